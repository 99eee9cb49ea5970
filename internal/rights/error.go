package rights

// A Reason is a kind of error of [Keys.Verify]. Refusals are counted by it.
type Reason int

const (
	Malformed   Reason = iota // no JSON Web Token
	WrongKey                  // signed by none of the keys, or not at all
	Expired                   // exp has passed
	NotYetValid               // nbf is still to come
	Audience                  // aud lacks the audience
	Issuer                    // iss is not the issuer
	Claims                    // a claim is missing, or not of its type

	Reasons int = iota // how many there are
)

// String returns the reason's name in figures, such as "not_yet_valid".
func (r Reason) String() string {
	return [...]string{"malformed", "wrong_key", "expired", "not_yet_valid", "audience", "issuer", "claims"}[r]
}

// An Error says why a token is refused.
type Error struct {
	Reason Reason
	line   string
}

// Error returns one line without quotation marks, which names nothing that the token says, and no secret.
func (e *Error) Error() string { return e.line }

// refuse returns an Error as an error.
func refuse(reason Reason, line string) error { return &Error{reason, line} }
