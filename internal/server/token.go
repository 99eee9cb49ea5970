package server

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
)

// maxToken is how many bytes of a token's file are read: a token is sent in a header.
const maxToken = 4 << 10

// Token returns the token in a file: its first line, without the spaces around it. The error,
// which does not tell what the file holds, says why there is none. Without a file the token is "".
func Token(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxToken)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	token := strings.TrimSpace(line)
	switch {
	case token == "":
		return "", errors.New(file + ": the first line is empty")
	case len(line) == maxToken && !strings.HasSuffix(line, "\n"):
		return "", errors.New(file + ": the first line is too long")
	}
	return token, nil
}
