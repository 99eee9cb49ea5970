package b

import "net/http"

var _ = &http.Client{}
