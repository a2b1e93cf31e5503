package serversdk

import "testing"

func TestFramesWaitForTheConnectionThatIsBeingMade(t *testing.T) {
	for _, c := range []struct {
		name string
		made bool
	}{{"it is made", true}, {"it fails", false}} {
		t.Run(c.name, func(t *testing.T) {
			p := newPeer("p1")
			old, next := &link{wake: make(chan struct{}, 1)}, &link{wake: make(chan struct{}, 1)}
			p.attach(old)
			p.move()
			p.push([]byte("session"))
			if frame, over := p.next(old); frame != nil || over {
				t.Fatalf("the old connection got %q, over %v", frame, over)
			}
			want := old
			if c.made {
				want = next
				p.attach(next)
			} else {
				p.stay()
			}
			if len(want.wake) == 0 {
				t.Fatal("the writer is not told")
			}
			if frame, _ := p.next(want); string(frame) != "session" {
				t.Fatalf("got %q", frame)
			}
		})
	}
}
