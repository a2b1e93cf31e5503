package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/mail"
)

// sentTo counts the letters that went to an address, of some topics.
func (d *desk) sentTo(address string, about ...mail.Topic) (n int) {
	for _, l := range d.post.all() {
		for _, topic := range about {
			if l.To == address && l.About == topic {
				n++
			}
		}
	}
	return n
}

func (d *desk) forgot(t *testing.T, ctx context.Context, email string) muster.CodeSent {
	t.Helper()
	sent, err := d.Forgot(ctx, email)
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

func TestAStrangerDoesNotUseUpTheOwnersLetters(t *testing.T) {
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	stranger, owner := at("203.0.113.7", ""), at("198.51.100.1", "")
	for range 10 {
		sent := d.forgot(t, stranger, annMail)
		for range maxLetters - 1 {
			if err := d.Resend(stranger, sent.ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Register(stranger, annMail, annWords); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.sentTo(annMail, mail.ResetPassword); got != perSource {
		t.Errorf("one source has %d resets sent, want %d", got, perSource)
	}
	sent := d.forgot(t, owner, annMail)
	if err := d.Resend(owner, sent.ID); err != nil {
		t.Fatal(err)
	}
	if got := d.sentTo(annMail, mail.ResetPassword); got != perSource+2 {
		t.Errorf("after the owner asked twice there are %d resets", got)
	}
	if err := d.Reset(owner, muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, "five better words of mine"); err != nil {
		t.Error(err)
	}
}

func TestManySourcesAreNeededToKeepALetterBack(t *testing.T) {
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	needed := 0
	for probe := (counted{By: map[string][]int64{}}); probe.takes(source{key: "the owner"}); needed++ {
		for from := (source{key: fmt.Sprint(needed)}); probe.takes(from); {
			probe.add(from, d.site.clock())
		}
	}
	if needed != 16 {
		t.Errorf("%d sources are needed, the comment says sixteen", needed)
	}
	for i := range 40 {
		for range perSource + 1 {
			d.forgot(t, at(fmt.Sprintf("203.0.113.%d", i), ""), annMail)
		}
	}
	if got := d.sentTo(annMail, mail.ResetPassword); got != mostFirsts {
		t.Errorf("forty sources have %d letters sent, want %d", got, mostFirsts)
	}
	d.site.pass(lettersWithin)
	if d.forgot(t, at("198.51.100.1", ""), annMail); d.sentTo(annMail, mail.ResetPassword) != mostFirsts+1 {
		t.Error("an hour later no letter is sent")
	}
}

func TestADeviceThatIsSignedInGetsAResetWhoeverElseAsks(t *testing.T) {
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	home := at("198.51.100.1", annsDevice)
	if _, err := d.Login(home, annMail, annWords); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		d.forgot(t, at(fmt.Sprintf("203.0.113.%d", i), "0199c0de-0000-7000-8000-00000000beef"), annMail)
	}
	for range 2 * perSource {
		d.forgot(t, home, annMail)
	}
	if got := d.sentTo(annMail, mail.ResetPassword); got != mostFirsts+perSource {
		t.Errorf("%d letters are sent, want %d", got, mostFirsts+perSource)
	}
}

func TestAnAddressIsNotFloodedWithMails(t *testing.T) {
	ctx := context.Background() // a client whose address is not known
	d := newDesk(t, nil)
	ann := d.caller(t, d.signUp(t, annMail, annWords))
	d.post.forget()
	password := annWords
	for i := range 2 * mostRepeats {
		d.forgot(t, ctx, annMail)
		if _, err := d.Register(ctx, annMail, annWords); err != nil {
			t.Fatal(err)
		}
		next := fmt.Sprintf("better words, the set %d", i)
		if err := d.Change(ctx, ann, password, next); err != nil {
			t.Fatal(err)
		}
		password = next
	}
	d.site.pass(lettersWithin - time.Second)
	for topic, want := range map[mail.Topic]int{mail.ResetPassword: mostRepeats, mail.PasswordChanged: mostRepeats, mail.AccountExists: mostRepeats - 1} { // the sign-up had one
		if got := d.sentTo(annMail, topic); got != want {
			t.Errorf("%d letters about %s, want %d", got, topic, want)
		}
	}
}

// Beyond what an address gets, calls answer and do the same as before, and no letter waits.
func TestLettersThatAreNotSentCostWhatOthersCost(t *testing.T) {
	for name, client := range map[string]context.Context{
		"a network":             at("203.0.113.7", ""),
		"a device":              at("203.0.113.7", "0199c0de-0000-7000-8000-00000000beef"),
		"nobody knows where":    context.Background(),
		"a device without home": muster.WithClient(context.Background(), muster.Client{Device: "0199c0de-0000-7000-8000-00000000beef"}),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, nil)
			d.signUp(t, annMail, annWords)
			for _, email := range []string{annMail, "bob@example.com"} {
				for use, ask := range map[string]func() (muster.CodeSent, error){
					"forgot":   func() (muster.CodeSent, error) { return d.Forgot(client, email) },
					"register": func() (muster.CodeSent, error) { return d.Register(client, email, annWords) },
				} {
					var first work
					for i := range mostRepeats + 2 {
						var sent muster.CodeSent
						var err error
						cost := d.measure(func() { sent, err = ask() })
						if err != nil || len(sent.ID) != 43 || sent.ExpiresInSeconds == 0 {
							t.Fatalf("%s: %+v, %v", use, sent, err)
						}
						if i == 0 {
							first = cost
						} else if cost != first {
							t.Fatalf("%s of %s, call %d: %+v, the first %+v", use, email, i, cost, first)
						}
					}
				}
			}
		})
	}
}

func TestCountsOfLettersHoldForAnyCourseOfThings(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 22))
	now := time.Unix(1_800_000_000, 0).UTC()
	kept := counted{}
	var sent []time.Time
	for range 20_000 {
		now = now.Add(time.Duration(random.IntN(120)) * time.Second)
		from := source{key: shortHash(fmt.Sprint(random.IntN(60)))}
		switch random.IntN(20) {
		case 0:
			from = source{}
		case 1:
			from = source{key: shortHash(fmt.Sprint("device", random.IntN(3))), device: true}
		}
		if kept = kept.since(now); !kept.takes(from) {
			continue
		}
		kept.add(from, now)
		if sent = append(sent, now); len(sent) > mostByDevices && now.Sub(sent[len(sent)-1-mostByDevices]) < lettersWithin {
			t.Fatalf("more than %d letters within an hour", mostByDevices)
		}
		if from.key != "" && len(kept.By[from.key]) > perSource {
			t.Fatalf("a source has %d letters", len(kept.By[from.key]))
		}
		if body, err := json.Marshal(kept); err != nil || len(body) > 900 {
			t.Fatalf("the record has %d bytes, %v", len(body), err)
		}
	}
	if len(sent) < 5000 {
		t.Errorf("only %d letters were sent", len(sent))
	}
}

func TestNetworksThatCountAsOneSource(t *testing.T) {
	key := func(address string) string {
		return networkOf(muster.Client{Address: netip.MustParseAddr(address)}).key
	}
	for _, c := range []struct {
		name, one, other string
		same             bool
	}{
		{"two IPv4 addresses", "203.0.113.7", "203.0.113.8", false},
		{"an IPv4 address, written as IPv6", "203.0.113.7", "::ffff:203.0.113.7", true},
		{"the networks of one site", "2001:db8:1:2::1", "2001:db8:1:fffe::9", true},
		{"two sites", "2001:db8:1::1", "2001:db8:2::1", false},
	} {
		if (key(c.one) == key(c.other)) != c.same {
			t.Errorf("%s: %s and %s, want the same %v", c.name, c.one, c.other, c.same)
		}
	}
	for _, unknown := range []string{"127.0.0.1", "::1"} {
		if key(unknown) != "" {
			t.Errorf("%s is a source", unknown)
		}
	}
	if networkOf(muster.Client{}).key != "" {
		t.Error("no address is a source")
	}
}

func TestNoAddressStandsInTheCountOfLetters(t *testing.T) {
	d := newDesk(t, nil)
	d.forgot(t, at("203.0.113.7", ""), annMail)
	rec, err := d.store.Get(t.Context(), lettersKey(annMail, kindReset))
	if err != nil {
		t.Fatal(err)
	}
	if text := rec.Partition + string(rec.Value); strings.Contains(text, "ann") || strings.Contains(text, "203.0") || rec.ExpiresAt.Sub(d.site.clock()) > lettersWithin+time.Second {
		t.Errorf("it is %s until %v", text, rec.ExpiresAt)
	}
}
