package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"muster/internal/peertest"
)

// rfcSecret is that of the test vectors of RFC 4226 and RFC 6238.
var rfcSecret = []byte("12345678901234567890")

func TestCodesAreThoseOfTheStandard(t *testing.T) {
	for count, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} { // RFC 4226, appendix D
		if got := totpCode(rfcSecret, int64(count)); got != want {
			t.Errorf("the code of count %d is %s, want %s", count, got, want)
		}
	}
	for at, want := range map[int64]string{ // RFC 6238, appendix B, the last six of eight digits
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totpCode(rfcSecret, totpStep(time.Unix(at, 0))); got != want {
			t.Errorf("the code at %d is %s, want %s", at, got, want)
		}
	}
}

func TestCodesThatAreTaken(t *testing.T) {
	now := time.Unix(1_800_000_010, 0)
	step := totpStep(now)
	for _, c := range []struct {
		name string
		said string
		used int64
		want int64 // 0: refused
	}{
		{"the present one is", totpCode(rfcSecret, step), 0, step},
		{"the one before is", totpCode(rfcSecret, step-1), 0, step - 1},
		{"the one after is: the telephone is ahead", totpCode(rfcSecret, step+1), 0, step + 1},
		{"spaces do not matter", " " + totpCode(rfcSecret, step)[:3] + " " + totpCode(rfcSecret, step)[3:], 0, step},
		{"one that is two steps old is not", totpCode(rfcSecret, step-2), 0, 0},
		{"one of the step after the next is not", totpCode(rfcSecret, step+2), 0, 0},
		{"one that was used is not", totpCode(rfcSecret, step), step, 0},
		{"one from before the last that was used is not", totpCode(rfcSecret, step-1), step, 0},
		{"one after the last that was used is", totpCode(rfcSecret, step+1), step, step + 1},
		{"none is not", "", 0, 0},
		{"a part is not", totpCode(rfcSecret, step)[:5], 0, 0},
		{"more than one is not", totpCode(rfcSecret, step) + "0", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := totpMatch(rfcSecret, c.said, now, c.used); got != c.want || ok != (c.want != 0) {
				t.Errorf("it is of step %d (%v), want %d", got, ok, c.want)
			}
		})
	}
}

// TestNoCodeIsTakenTwiceInAnyOrder shows codes around the present in random order while time
// passes, against what may be known without any code.
func TestNoCodeIsTakenTwiceInAnyOrder(t *testing.T) {
	for seed := range uint64(50) {
		chance := mathrand.New(mathrand.NewPCG(seed, 0)) //nolint:gosec // to be repeated
		now, used := time.Unix(1_800_000_000, 0), int64(0)
		for range 200 {
			now = now.Add(time.Duration(chance.IntN(45)) * time.Second)
			shown := totpStep(now) + int64(chance.IntN(7)) - 3
			step, ok := totpMatch(rfcSecret, totpCode(rfcSecret, shown), now, used)
			near := shown-totpStep(now) >= -1 && shown-totpStep(now) <= 1
			if want := near && shown > used; ok != want || ok && step != shown {
				t.Fatalf("seed %d: at step %d, after %d, the code of %d is taken: %v (of %d)", seed, totpStep(now), used, shown, ok, step)
			}
			if ok {
				used = step
			}
		}
	}
}

func TestTheAddressForAuthenticators(t *testing.T) {
	uri := totpURI(rfcSecret, "Tower Clash: II", "ann@example.com")
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Tower Clash  II:ann@example.com" || strings.Contains(uri, "+") {
		t.Errorf("it is %s", uri)
	}
	q := u.Query()
	if q.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || q.Get("issuer") != "Tower Clash  II" || q.Get("digits") != "6" || q.Get("period") != "30" || q.Get("algorithm") != "SHA1" {
		t.Errorf("it says %v", q)
	}
}

// TestCodesOfAnotherImplementation has pyotp read our addresses and compute the codes.
func TestCodesOfAnotherImplementation(t *testing.T) {
	python := peertest.Find(t, "a Python with pyotp", "MUSTER_TOTP_PEER")
	type question struct {
		URI string `json:"uri"`
		At  int64  `json:"at"`
	}
	var asked []question
	var want []string
	for i := range 200 {
		secret := make([]byte, totpSecretBytes)
		_, _ = rand.Read(secret)
		at := int64(i) * 97_531_357
		asked = append(asked, question{totpURI(secret, "Tower Clash", fmt.Sprintf("p+%d@example.com", i)), at})
		want = append(want, totpCode(secret, totpStep(time.Unix(at, 0))))
	}
	text, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	const script = `
import json, sys, pyotp
for q in json.load(sys.stdin):
    otp = pyotp.parse_uri(q["uri"])
    assert otp.issuer == "Tower Clash" and otp.name.endswith("@example.com"), q["uri"]
    print(otp.at(q["at"]))
`
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := strings.Fields(string(out))
	if len(got) != len(want) {
		t.Fatalf("%d codes came back: %s", len(got), out)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("for %v it says %s, we say %s", asked[i], got[i], want[i])
		}
	}
}
