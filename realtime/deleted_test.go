package realtime

import (
	"testing"

	"muster"
)

func TestADeletedPlayerIsDisconnectedEverywhere(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		phone, _ := r.fresh("ada")
		laptop, _ := r.fresh("ada")
		rival, _ := r.fresh("bob")
		defer rival.leave()
		r.notify("ada", r.play.change())
		phone.read("ticket")
		laptop.read("ticket")
		gone := muster.Notice{Player: "ada", Type: muster.NoticeAccountDeleted, Data: struct{}{}}
		r.hub.Notify(t.Context(), gone, muster.Notice{Player: "nobody", Type: muster.NoticeAccountDeleted})
		for _, d := range []*device{phone, laptop} {
			if code := d.code(); code != codeDeleted {
				t.Errorf("closed with %d", code)
			}
		}
		if r.hub.knows("ada") {
			t.Error("the hub remembers what the deleted player was told")
		}
		r.notify("bob", r.play.change())
		rival.read("ticket")
	})
}
