package program

import (
	"bytes"
	"errors"
	"regexp"

	"example.com/sse/internal/files"
)

// maxToken is how long the first line of a token's file may be, in bytes: a token is sent in a header.
const maxToken = 4 << 10

// tokenPattern is what a bearer token consists of (RFC 6750, section 2.1). No client can send another.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// TokenFile returns a function that returns the token in a file: its first line, without the spaces around it and
// without a UTF-8 byte order mark. A change of the file counts within a second; while the file holds no token, the last
// one stays. The function is safe for concurrent use, and nil where the file's name is "". The error, which does not
// tell what the file holds, says why there is no token. A warning that is not "" says what is unwise about the file.
func TokenFile(file string) (token func() string, warning string, err error) {
	if file == "" {
		return nil, "", nil
	}
	current, err := files.Open("-publish-token-file", func(contents [][]byte) (string, error) {
		token, err := firstLine(contents[0])
		if err != nil {
			err = errors.New(file + ": " + err.Error())
		}
		return token, err
	}, file)
	if err != nil {
		return nil, "", err
	}
	return current.Get, files.Exposed(file, "publish"), nil
}

// firstLine returns the token in a file's content.
func firstLine(content []byte) (string, error) {
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return "", errors.New("the file is UTF-16, as PowerShell's > writes it: save it as ASCII or UTF-8")
	}
	line, _, _ := bytes.Cut(content, []byte{'\n'})
	token := string(bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff"))))
	switch {
	case token == "":
		return "", errors.New("the first line is empty")
	case len(line) >= maxToken:
		return "", errors.New("the first line is too long")
	case !tokenPattern.MatchString(token):
		return "", errors.New("the first line has a character that no bearer token has: letters, digits and -._~+/ may be in one, and = at its end")
	}
	return token, nil
}
