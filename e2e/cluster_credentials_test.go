package e2e

import (
	"fmt"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

func TestNATSWantsCredentials(t *testing.T) {
	t.Parallel()
	config, creds := operatorMode(t)
	n := startNATS(t, "-c", configFile(t, config))
	s := n.serve("-nats-creds", newFile(t, "user.creds", string(creds)), "-interval", "100ms")
	subscribe(t, s.url+"/events", "").next()
}

// operatorMode returns the configuration of a nats-server whose users come with credentials
// that their account has signed, and such credentials.
func operatorMode(t *testing.T) (config string, creds []byte) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	newKey := func(create func() (nkeys.KeyPair, error)) (key nkeys.KeyPair, public string) {
		key, err := create()
		check(err)
		public, err = key.PublicKey()
		check(err)
		return key, public
	}
	operator, operatorID := newKey(nkeys.CreateOperator)
	account, accountID := newKey(nkeys.CreateAccount)
	_, systemID := newKey(nkeys.CreateAccount)
	user, userID := newKey(nkeys.CreateUser)

	accountClaims := jwt.NewAccountClaims(accountID)
	accountClaims.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
	}
	operatorJWT, err := jwt.NewOperatorClaims(operatorID).Encode(operator)
	check(err)
	accountJWT, err := accountClaims.Encode(operator)
	check(err)
	systemJWT, err := jwt.NewAccountClaims(systemID).Encode(operator)
	check(err)
	userJWT, err := jwt.NewUserClaims(userID).Encode(account)
	check(err)
	seed, err := user.Seed()
	check(err)
	creds, err = jwt.FormatUserConfig(userJWT, seed)
	check(err)
	return fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: { %s: %s, %s: %s }\n",
		operatorJWT, systemID, accountID, accountJWT, systemID, systemJWT), creds
}
