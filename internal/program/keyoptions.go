package program

import (
	"fmt"

	"example.com/sse/internal/rights"
)

// KeyOptions say which JSON Web Tokens the server takes. The zero value is none.
type KeyOptions struct {
	File           string // with the keys
	Cookie         string // the name of a cookie that may have the token, too
	Default        bool   // the default topic needs a token, too
	rights.Options        // what the tokens must say
}

// first returns the first flag that has been given beside that of the file.
func (k KeyOptions) first() string {
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
	note := func(flag, warning string, cause error) {
		switch {
		case err != nil:
		case cause != nil:
			err = fmt.Errorf("%s: %w", o.GivenAs(flag), cause)
		case warning != "":
			warnings = append(warnings, o.GivenAs(flag)+": "+warning)
		}
	}
	var warning string
	var cause error
	p.PublishToken, warning, cause = Token(o.TokenFile)
	note("publish-token-file", warning, cause)
	if o.Keys.File != "" {
		p.Keys, warning, cause = rights.Load(o.Keys.File, o.Keys.Options)
		note("jwt-key-file", warning, cause)
	}
	return p, warnings, err
}
