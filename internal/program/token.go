package program

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
)

// maxToken is how many bytes of a token's file are read: a token is sent in a header.
const maxToken = 4 << 10

// tokenPattern is what a bearer token consists of (RFC 6750, section 2.1). No client can send another.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// Token returns the token in a file: its first line, without the spaces around it and without a UTF-8 byte
// order mark. The error, which does not tell what the file holds, says why there is none. Without a
// file the token is "". A warning that is not "" says what is unwise about the file.
func Token(file string) (token, warning string, err error) {
	if file == "" {
		return "", "", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxToken)).ReadBytes('\n')
	if err != nil && err != io.EOF {
		return "", "", err
	}
	if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
		return "", "", errors.New(file + ": the file is UTF-16, as PowerShell's > writes it: save it as ASCII or UTF-8")
	}
	token = strings.TrimSpace(strings.TrimPrefix(string(line), "\ufeff"))
	switch {
	case token == "":
		return "", "", errors.New(file + ": the first line is empty")
	case len(line) == maxToken && !bytes.HasSuffix(line, []byte{'\n'}):
		return "", "", errors.New(file + ": the first line is too long")
	case !tokenPattern.MatchString(token):
		return "", "", errors.New(file + ": the first line has a character that no bearer token has: letters, digits and -._~+/ may be in one, and = at its end")
	}
	if info, err := f.Stat(); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0 { // Windows has no such mode.
		warning = fmt.Sprintf("%s can be read by every user of this machine, and whoever reads it can publish: chmod o-r", file)
	}
	return token, warning, nil
}
