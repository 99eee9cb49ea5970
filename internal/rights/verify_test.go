package rights

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// wantRefused says what is wrong with how a token was refused.
func wantRefused(t *testing.T, what string, got Token, err error, reason Reason) {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) || refused.Reason != reason {
		t.Errorf("%s: got %+v, %v, want it to be refused as %v", what, got, err, reason)
		return
	}
	if got.Subscribe != nil || got.Publish != nil || !got.Expires.IsZero() {
		t.Errorf("%s: it is refused, but may %+v", what, got)
	}
	// It goes into a header, and into answers that others may read.
	for _, word := range []string{"\n", `"`, "mail", "anna", "swordfish", secret[:8]} {
		if strings.Contains(err.Error(), word) {
			t.Errorf("%s: %q is in %q", what, word, err)
		}
	}
	if len(err.Error()) < 10 || len(err.Error()) > 100 {
		t.Errorf("%s: %q", what, err)
	}
}

func TestBadTokenIsRefused(t *testing.T) {
	keys := load(t, secret, Options{Audience: "sse", Issuer: "https://anna.example"})
	const rest = `"aud":"sse","iss":"https://anna.example","sse":{"subscribe":["mail/anna"]}}`
	const exp = `{"exp":1795348692,`
	good := signHS256(t, exp+rest)
	header, payload, _ := strings.Cut(good, ".")
	for what, test := range map[string]struct {
		token  string
		reason Reason
	}{
		"nothing":                  {"", Malformed},
		"a word":                   {"swordfish", Malformed},
		"two parts":                {good[:strings.LastIndex(good, ".")], Malformed},
		"no signature":             {good[:strings.LastIndex(good, ".")+1], WrongKey},
		"four parts":               {good + ".e30", Malformed},
		"five parts, encrypted":    {good + ".e30.e30", Malformed},
		"two tokens":               {good + " " + good, Malformed},
		"two tokens with a comma":  {good + "," + good, Malformed},
		"16 KiB":                   {signHS256(t, exp+`"pad":"`+strings.Repeat("x", 16<<10)+`",`+rest), Malformed},
		"padded":                   {good + "=", Malformed},
		"a space before":           {" " + good, Malformed},
		"a line break in it":       {header + "\n." + payload, Malformed},
		"a line break at its end":  {good + "\r\n", Malformed},
		"another alphabet":         {strings.NewReplacer("-", "+", "_", "/").Replace(sign(t, jwt.SigningMethodHS256, []byte(secret), head, exp+`"pad":"ÿÿÿ???>>>",`+rest)), Malformed},
		"not UTF-8":                {"\xff\xfe." + payload, Malformed},
		"alg none":                 {encode(`{"alg":"none"}`) + "." + encode(exp+rest) + ".", WrongKey},
		"alg None":                 {encode(`{"alg":"None"}`) + "." + encode(exp+rest) + ".", WrongKey},
		"alg none, signed":         {sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":"none"}`, exp+rest), WrongKey},
		"alg hs256":                {sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":"hs256"}`, exp+rest), WrongKey},
		"HS384":                    {sign(t, jwt.SigningMethodHS384, []byte(secret), `{"alg":"HS384"}`, exp+rest), WrongKey},
		"HS512":                    {sign(t, jwt.SigningMethodHS512, []byte(secret), `{"alg":"HS512"}`, exp+rest), WrongKey},
		"no alg":                   {sign(t, jwt.SigningMethodHS256, []byte(secret), `{}`, exp+rest), WrongKey},
		"alg a number":             {sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":256}`, exp+rest), WrongKey},
		"two algs":                 {sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":"none","alg":"HS256"}`, exp+rest), Malformed},
		"the header a list":        {sign(t, jwt.SigningMethodHS256, []byte(secret), `["HS256"]`, exp+rest), Malformed},
		"the header null":          {sign(t, jwt.SigningMethodHS256, []byte(secret), `null`, exp+rest), Malformed},
		"the header no JSON":       {sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256"`, exp+rest), Malformed},
		"text after the header":    {sign(t, jwt.SigningMethodHS256, []byte(secret), head+"{}", exp+rest), Malformed},
		"crit":                     {sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","crit":["b64"],"b64":false}`, exp+rest), Malformed},
		"crit empty":               {sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","crit":[]}`, exp+rest), Malformed},
		"wrong key":                {sign(t, jwt.SigningMethodHS256, []byte(secret+"x"), head, exp+rest), WrongKey},
		"an empty key":             {sign(t, jwt.SigningMethodHS256, []byte{}, head, exp+rest), WrongKey},
		"other claims":             {header + "." + encode(exp+`"more":1,`+rest) + good[strings.LastIndex(good, "."):], WrongKey},
		"claims no JSON":           {signHS256(t, `{"exp":1795348692`), Malformed},
		"claims null":              {signHS256(t, `null`), Claims},
		"claims a list":            {signHS256(t, `[`+exp+rest+`]`), Claims},
		"claims a text":            {signHS256(t, `"exp"`), Claims},
		"claims not UTF-8":         {signHS256(t, exp+"\"pad\":\"\xff\","+rest), Claims},
		"no claims":                {signHS256(t, `{}`), Claims},
		"no exp":                   {signHS256(t, `{`+rest), Claims},
		"exp null":                 {signHS256(t, `{"exp":null,`+rest), Claims},
		"exp as text":              {signHS256(t, `{"exp":"1795348692",`+rest), Claims},
		"exp true":                 {signHS256(t, `{"exp":true,`+rest), Claims},
		"exp a list":               {signHS256(t, `{"exp":[1795348692],`+rest), Claims},
		"exp an object":            {signHS256(t, `{"exp":{"exp":1795348692},`+rest), Claims},
		"exp negative":             {signHS256(t, `{"exp":-1795348692,`+rest), Claims},
		"exp huge":                 {signHS256(t, `{"exp":1e300,`+rest), Claims},
		"exp beyond any number":    {signHS256(t, `{"exp":1e999,`+rest), Claims},
		"exp in milliseconds":      {signHS256(t, `{"exp":1795348692000,`+rest), Claims},
		"exp NaN":                  {signHS256(t, `{"exp":NaN,`+rest), Malformed},
		"exp as text NaN":          {signHS256(t, `{"exp":"NaN",`+rest), Claims},
		"exp Infinity":             {signHS256(t, `{"exp":Infinity,`+rest), Malformed},
		"exp in hex":               {signHS256(t, `{"exp":0x7fffffff,`+rest), Malformed},
		"EXP":                      {signHS256(t, `{"EXP":1795348692,`+rest), Claims},
		"two exp":                  {signHS256(t, `{"exp":1,"exp":1795348692,`+rest), Claims},
		"two exp, one null":        {signHS256(t, `{"exp":1795348692,"exp":null,`+rest), Claims},
		"two exp, one escaped":     {signHS256(t, `{"exp":1795348692,"\u0065xp":1795348692,`+rest), Claims},
		"two sse":                  {signHS256(t, exp+`"sse":{},`+rest), Claims},
		"expired":                  {signHS256(t, `{"exp":1795345091,`+rest), Expired},
		"expires now":              {signHS256(t, `{"exp":1795345092,`+rest), Expired},
		"expired a moment ago":     {signHS256(t, `{"exp":1795345091.999,`+rest), Expired},
		"exp 0":                    {signHS256(t, `{"exp":0,`+rest), Expired},
		"not yet valid":            {signHS256(t, exp+`"nbf":1795345098,`+rest), NotYetValid},
		"nbf as text":              {signHS256(t, exp+`"nbf":"1795345000",`+rest), Claims},
		"nbf negative":             {signHS256(t, exp+`"nbf":-1,`+rest), Claims},
		"no aud":                   {signHS256(t, exp+`"iss":"https://anna.example"}`), Audience},
		"aud null":                 {signHS256(t, exp+`"aud":null,"iss":"https://anna.example"}`), Audience},
		"another aud":              {signHS256(t, exp+`"aud":"ssex","iss":"https://anna.example"}`), Audience},
		"other auds":               {signHS256(t, exp+`"aud":["a","b"],"iss":"https://anna.example"}`), Audience},
		"auds with a number":       {signHS256(t, exp+`"aud":["sse",1],"iss":"https://anna.example"}`), Audience},
		"auds with null":           {signHS256(t, exp+`"aud":["sse",null],"iss":"https://anna.example"}`), Audience},
		"aud in an object":         {signHS256(t, exp+`"aud":{"sse":"sse"},"iss":"https://anna.example"}`), Audience},
		"no iss":                   {signHS256(t, exp+`"aud":"sse"}`), Issuer},
		"iss null":                 {signHS256(t, exp+`"aud":"sse","iss":null}`), Issuer},
		"another iss":              {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example/"}`), Issuer},
		"iss a list":               {signHS256(t, exp+`"aud":"sse","iss":["https://anna.example"]}`), Issuer},
		"sse a text":               {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":"mail/anna"}`), Claims},
		"sse a list":               {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":["mail/anna"]}`), Claims},
		"sse a number":             {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":1}`), Claims},
		"subscribe a text":         {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"subscribe":"mail/anna"}}`), Claims},
		"subscribe true":           {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"subscribe":true}}`), Claims},
		"subscribe an object":      {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"subscribe":{"mail/anna":true}}}`), Claims},
		"a topic a number":         {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"subscribe":["mail/anna",1]}}`), Claims},
		"a topic null":             {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"subscribe":["mail/anna",null]}}`), Claims},
		"a topic a list":           {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"subscribe":[["mail/anna"]]}}`), Claims},
		"a topic that is none":     {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"subscribe":["mail/\u0000anna"]}}`), Claims},
		"a topic that is too long": {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"subscribe":["`+strings.Repeat("x", 257)+`"]}}`), Claims},
		"publish a text":           {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"subscribe":["mail/anna"],"publish":"mail/anna"}}`), Claims},
		"two publish":              {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"publish":["a"],"publish":["mail/anna"]}}`), Claims},
		"deep":                     {signHS256(t, exp+`"pad":`+strings.Repeat("[", 5000)+`,`+rest), Malformed},
		"deep sse":                 {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":`+strings.Repeat("[", 2500)+strings.Repeat("]", 2500)+`}`), Claims},
		"deep topics":              {signHS256(t, exp+`"aud":"sse","iss":"https://anna.example","sse":{"publish":`+strings.Repeat("[", 2500)+strings.Repeat("]", 2500)+`}}`), Claims},
	} {
		got, err := keys.Verify(test.token, now)
		wantRefused(t, what, got, err, test.reason)
	}
	if _, err := keys.Verify(good, now); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestGoodTokenSaysWhatItMay(t *testing.T) {
	for what, test := range map[string]struct {
		claims             string
		subscribe, publish Topics
	}{
		"both":                  {claims, Topics{"mail/anna", "news"}, Topics{"chat/*"}},
		"one":                   {`{"exp":1795348692,"sse":{"publish":["a"]}}`, nil, Topics{"a"}},
		"no sse":                {`{"exp":1795348692}`, nil, nil},
		"null":                  {`{"exp":1795348692,"nbf":null,"sse":{"subscribe":null,"publish":[]}}`, nil, nil},
		"sse null":              {`{"exp":1795348692,"sse":null}`, nil, nil},
		"duplicate topics":      {`{"exp":1795348692,"sse":{"subscribe":["a","a","b","a"]}}`, Topics{"a", "a", "b", "a"}, nil},
		"the default topic":     {`{"exp":1795348692,"sse":{"subscribe":[""]}}`, Topics{""}, nil},
		"unknown claims":        {`{"sub":"anna","jti":7,"iat":"never","exp":1795348692,"admin":{"admin":[true]},"sse":{"subscribe":["a"],"more":1}}`, Topics{"a"}, nil},
		"other names":           {`{"exp":1795348692,"SSE":{"subscribe":["a"]},"sse":{"Subscribe":["a"],"subscribe ":["a"]}}`, nil, nil},
		"any aud and iss":       {`{"exp":1795348692,"aud":["a",1],"iss":7,"sse":{"subscribe":["a"]}}`, Topics{"a"}, nil},
		"exp with a fraction":   {`{"exp":1795348692.0,"sse":{"subscribe":["a"]}}`, Topics{"a"}, nil},
		"exp with an exponent":  {`{"exp":1.795348692e9,"sse":{"subscribe":["a"]}}`, Topics{"a"}, nil},
		"valid since now":       {`{"exp":1795348692,"nbf":1795345092,"sse":{"subscribe":["a"]}}`, Topics{"a"}, nil},
		"valid in five seconds": {`{"exp":1795348692,"nbf":1795345097,"sse":{"subscribe":["a"]}}`, Topics{"a"}, nil},
		"spaces":                {" {\n\"exp\" : 1795348692 , \"sse\" : { \"subscribe\" : [ \"a\" ] } } ", Topics{"a"}, nil},
		"escapes":               {`{"exp":1795348692,"sse":{"subscribe":["b\u00fccher\/<&>"]}}`, Topics{"bücher/<&>"}, nil},
	} {
		got, err := load(t, secret, Options{}).Verify(signHS256(t, test.claims), now)
		if err != nil || !slices.Equal(got.Subscribe, test.subscribe) || !slices.Equal(got.Publish, test.publish) || !got.Expires.Equal(time.Unix(1795348692, 0)) {
			t.Errorf("%s: got %+v, %v", what, got, err)
		}
		if err == nil && got.Revoked.Err() != nil {
			t.Errorf("%s: it is revoked", what)
		}
	}
	got, err := load(t, secret, Options{}).Verify(signHS256(t, `{"exp":1795348692.25}`), now)
	if err != nil || !got.Expires.Equal(time.UnixMilli(1795348692250)) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAudienceAndIssuerAreWhatTheOptionsSay(t *testing.T) {
	for claims, want := range map[string]bool{
		`"aud":"sse","iss":"me"`:           true,
		`"aud":["other","sse"],"iss":"me"`: true,
		`"aud":"sse","iss":"you"`:          false,
		`"aud":"SSE","iss":"me"`:           false,
	} {
		token := signHS256(t, `{"exp":1795348692,`+claims+`}`)
		if _, err := load(t, secret, Options{Audience: "sse", Issuer: "me"}).Verify(token, now); (err == nil) != want {
			t.Errorf("%s: %v", claims, err)
		}
	}
}
