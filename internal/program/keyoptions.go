package program

import (
	"fmt"

	"example.com/sse/internal/rights"
)

// KeyOptions say which JSON Web Tokens the server takes. The zero value means that it takes none.
type KeyOptions struct {
	File           string // with the keys
	Cookie         string // the name of a cookie that may have the token, too
	Default        bool   // the default topic needs a token, too
	rights.Options        // what the tokens must say
}

// flagWithoutFile returns one of the flags that mean nothing without -jwt-key-file and were given.
func (k KeyOptions) flagWithoutFile() string {
	switch {
	case k.Cookie != "":
		return "jwt-cookie"
	case k.Default:
		return "jwt-default-topic"
	case k.Audience != "":
		return "jwt-audience"
	}
	return "jwt-issuer"
}

// Rights returns who may do what by the options. Each warning says in one line what is unwise about a file. The
// error is one line, which names the flag and tells nothing of what the file holds.
func (o *Options) Rights() (p *Rights, warnings []string, err error) {
	p = &Rights{Cookie: o.Keys.Cookie, CloseDefault: o.Keys.Default, Origins: o.Origins}
	warn := func(flag, warning string) {
		if warning != "" {
			warnings = append(warnings, o.GivenAs(flag)+": "+warning)
		}
	}
	token, warning, err := TokenFile(o.TokenFile)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.GivenAs("publish-token-file"), err)
	}
	p.PublishToken = token
	warn("publish-token-file", warning)
	if o.Keys.File == "" {
		return p, warnings, nil
	}
	keys, warning, err := rights.Load(o.Keys.File, o.Keys.Options)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.GivenAs("jwt-key-file"), err)
	}
	p.Keys = keys
	warn("jwt-key-file", warning)
	return p, warnings, nil
}
