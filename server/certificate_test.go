package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kataras/golog"
)

// makePair returns a certificate with a serial number, and its key, in PEM.
func makePair(t *testing.T, serial int64) (certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// served returns the serial number of the certificate that a handshake is served.
func served(t *testing.T, config *tls.Config) int64 {
	t.Helper()
	left, right := net.Pipe()
	defer left.Close()
	defer right.Close()
	go tls.Server(right, config).Handshake()
	conn := tls.Client(left, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	conn.SetDeadline(time.Now().Add(time.Minute))
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	if got := conn.ConnectionState().NegotiatedProtocol; got != "h2" {
		t.Errorf("the protocol is %q", got)
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// lookAgainAfter is when files are looked at again that were looked at.
const lookAgainAfter = time.Second

func TestRenewedCertificateIsServedWithoutARestart(t *testing.T) {
	var log bytes.Buffer
	golog.SetOutput(&log)
	defer golog.SetOutput(os.Stdout)
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	write := func(file string, content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	oldCert, oldKey := makePair(t, 1)
	newCert, newKey := makePair(t, 2)
	synctest.Test(t, func(t *testing.T) {
		write(certFile, oldCert)
		write(keyFile, oldKey)
		config, err := Certificate(certFile, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			what   string
			change func()
			want   int64
			logged string // the log's new line
		}{
			{"the first", func() {}, 1, ""},
			{"half of the certificate", func() { write(certFile, newCert[:100]) }, 1, ".pem: tls: "},
			{"the old key", func() { write(certFile, newCert) }, 1, ""},
			{"no key", func() { os.Remove(keyFile) }, 1, ""},
			{"both", func() { write(keyFile, newKey) }, 2, "certificate: renewed"},
			{"the old key, once more", func() { write(keyFile, oldKey) }, 2, ".pem: tls: "},
			{"the old key, still", func() {}, 2, ""},
			{"the right key", func() { write(keyFile, newKey) }, 2, ""},
			{"the old ones", func() { write(certFile, oldCert); write(keyFile, oldKey) }, 1, "certificate: renewed"},
			{"no files", func() { os.Remove(certFile); os.Remove(keyFile) }, 1, "no such file"},
		} {
			step.change()
			time.Sleep(lookAgainAfter)
			for range 3 {
				log.Reset()
				if got := served(t, config); got != step.want {
					t.Errorf("with %s: certificate %d is served, want %d", step.what, got, step.want)
				}
				if got := log.String(); !strings.Contains(got, step.logged) || step.logged == "" && got != "" {
					t.Errorf("with %s: the log says %q, want %q", step.what, got, step.logged)
				}
				time.Sleep(lookAgainAfter)
				step.logged = "" // once
			}
		}
	})
}

func TestBadCertificateIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret.pem")
	os.WriteFile(file, []byte("swordfish"), 0o600)
	if _, err := Certificate(file, file); err == nil || strings.Contains(err.Error(), "swordfish") {
		t.Errorf("the error is %v", err)
	}
	if _, err := Certificate(file+"x", file); err == nil {
		t.Error("no error for a missing file")
	}
}

func TestEncryptedKeyIsRefusedWithAWordOfIt(t *testing.T) {
	cert, _ := makePair(t, 1)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(certFile, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, key := range map[string]*pem.Block{
		"PKCS #8": {Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("secret")},
		"OpenSSL": {Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("secret")},
	} {
		if err := os.WriteFile(keyFile, pem.EncodeToMemory(key), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Certificate(certFile, keyFile)
		if err == nil || !strings.Contains(err.Error(), "the private key is encrypted") || !strings.Contains(err.Error(), keyFile) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
