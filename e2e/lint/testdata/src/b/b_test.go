package b

import (
	"net/http"
	"time"
)

var (
	_ = http.Client{}                              // want `this http.Client has no Timeout`
	_ = &http.Client{Transport: &http.Transport{}} // want `this http.Client has no Timeout`
	_ = &http.Client{Transport: &http.Transport{}, Timeout: time.Second}
	_ = http.DefaultClient // want `http.DefaultClient has no timeout`
	_ = http.Header{}
)

func get(url string, c *http.Client) {
	http.Get(url)           // want `net/http.Get has no timeout`
	http.Head(url)          // want `net/http.Head has no timeout`
	http.Post(url, "", nil) // want `net/http.Post has no timeout`
	http.PostForm(url, nil) // want `net/http.PostForm has no timeout`
	c.Get(url)
}
