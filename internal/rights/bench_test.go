package rights

import "testing"

func BenchmarkVerify(b *testing.B) {
	run := func(name, content, token string) {
		b.Run(name, func(b *testing.B) {
			keys := load(b, content, Options{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keys.Verify(token, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("HS256", secret, signHS256(b, claims))
	for i := 0; i < len(pairs()); i += 2 {
		run(pairs()[i].alg, pairs()[i].public, pairs()[i].token(b))
		run(pairs()[i].alg+",second of two", pairs()[i+1].public+pairs()[i].public, pairs()[i].token(b))
	}
}

// BenchmarkRefuse measures what a token costs that no key has signed.
func BenchmarkRefuse(b *testing.B) {
	all := ""
	for _, p := range pairs() {
		all += p.public
	}
	keys := load(b, all, Options{})
	for name, token := range map[string]string{"HS256": signHS256(b, claims), "no token": "swordfish"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keys.Verify(token, now); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}
