package model

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster"
)

// names are those that players choose. They are few, so that they are wanted twice, and
// none reads like another.
var names = []string{"Ada", "Bob", "Cyd", "Dan", "Eve", "Fay", "Guy", "Hex"}

// namespaces are those of the documents that players write.
var namespaces = []string{"settings", "careful"}

// documentFact is what is known of a document of a player.
type documentFact struct {
	register
	replaced map[string]string // by the tag that a write named, the value that it acknowledged
}

// departure is a deletion that was asked for.
type departure struct {
	at   time.Time
	done bool // acknowledged
}

func accountActions() []action {
	return []action{
		{"an account is deleted", 1, func(w *world, r *replica) {
			if len(w.players) < 4 || w.rand.IntN(3) > 0 {
				return
			}
			p, _ := w.somebody()
			w.remove(r, p)
		}},
		{"a deletion is asked for again", 1, func(w *world, r *replica) { w.removeAll(r) }},
		{"deleted players are erased", 2, func(w *world, r *replica) {
			w.erase(r)
		}},
		{"a player writes a document", 4, func(w *world, r *replica) {
			if p, ok := w.somebody(); ok {
				w.document(r, p, namespaces[w.rand.IntN(len(namespaces))])
			}
		}},
	}
}

// remove deletes a player, who does nothing any more from now on.
func (w *world) remove(r *replica, p muster.PlayerID) {
	if at := slices.Index(w.players, p); at >= 0 {
		w.players = slices.Delete(slices.Clone(w.players), at, at+1)
	}
	if w.left[p] == nil {
		w.left[p] = &departure{at: w.now}
	}
	err := r.DeleteAccount(context.Background(), p)
	if muster.KindOf(err) != muster.NotFound || err == nil {
		w.allow(err, "delete an account")
	}
	if err == nil || muster.KindOf(err) == muster.NotFound {
		w.left[p].done = true
		w.counts["deletions"]++
	}
}

// erase does what is due of deleted players. What a party still waits for comes first.
func (w *world) erase(r *replica) {
	w.allow(r.ErasePlayers(context.Background()), "erase", muster.Conflict, muster.Unavailable)
}

// removeAll asks again for the deletions that nobody acknowledged.
func (w *world) removeAll(r *replica) {
	for _, p := range sorted(w.left) {
		if !w.left[p].done {
			w.remove(r, p)
		}
	}
}

// document reads a document of a player and writes it: in place of what was read, or
// whatever stands there.
func (w *world) document(r *replica, p muster.PlayerID, namespace string) {
	ctx := context.Background()
	doc, err := r.Document(ctx, muster.DataOwner, p, namespace)
	w.allow(err, "read a document", muster.NotFound)
	var expect muster.Precondition
	switch {
	case err == nil && (namespace == "careful" || w.rand.IntN(2) == 0):
		expect.Match = []string{doc.Tag}
	case namespace == "careful":
		expect.NoneMatch = []string{"*"}
	}
	known := w.documents[p][namespace]
	w.keys++
	value := fmt.Sprint(w.keys)
	write := func() error {
		_, _, err := r.PutDocument(ctx, muster.DataOwner, p, namespace, []byte(`{"n":`+value+`}`), expect)
		return err
	}
	if w.rand.IntN(6) == 0 {
		value = ""
		write = func() error { return r.DeleteDocument(ctx, muster.DataOwner, p, namespace, expect) }
	}
	known.write(value, func() error {
		err := write()
		w.allow(err, "write a document", muster.Conflict, muster.NotFound)
		return err
	}, func() {
		if len(expect.Match) == 0 {
			return
		}
		if other, twice := known.replaced[doc.Tag]; twice {
			w.fail("the same version of %s's %s was replaced by %q and by %q", p, namespace, other, value)
		}
		known.replaced[doc.Tag] = value
	})
}

// checkDocuments: what was acknowledged is there.
func (w *world) checkDocuments(r *replica, p muster.PlayerID) {
	for _, namespace := range namespaces {
		doc, err := r.Document(context.Background(), muster.DataOwner, p, namespace)
		w.allow(err, "read a document at rest", muster.NotFound)
		value := ""
		if err == nil {
			var body struct{ N json.Number }
			if err := json.Unmarshal(doc.Body, &body); err != nil {
				w.fail("the document %s of %s is %s: %v", namespace, p, doc.Body, err)
			}
			value = body.N.String()
			w.counts["documents"]++
		}
		if known := w.documents[p][namespace]; !slices.Contains(known.may, value) {
			w.fail("the document %s of %s is %q, not one of %q", namespace, p, value, known.may)
		}
	}
}

// checkNames: no two players have the same name, unless they chose none.
func (w *world) checkNames(all census) {
	bearers := map[string]string{}
	for key, value := range all {
		name, _ := value["displayName"].(string)
		if !strings.HasPrefix(key.Partition, "P#") || key.Sort != "A" || name == "" {
			continue
		}
		if other, taken := bearers[name]; taken {
			w.fail("%s and %s are both called %q", other, key.Partition, name)
		}
		bearers[name] = key.Partition
		w.counts["names"]++
		record := all[muster.Key{Partition: "NAME#" + strings.ToLower(name), Sort: "0000"}]
		if record == nil || "P#"+record["player"].(string) != key.Partition {
			w.fail("%s is called %q, and the name belongs to %v", key.Partition, name, record)
		}
	}
}

// nameRecord: a name belongs to who bears it.
func nameRecord(all census, name, _ string, value map[string]any) string {
	player, _ := value["player"].(string)
	account := all[muster.Key{Partition: "P#" + player, Sort: "A"}]
	if called, _ := account["displayName"].(string); strings.ToLower(called) != name {
		return "belongs to a player who is not called that"
	}
	return ""
}

// checkErased lets the looks for what is left of deleted players come, and checks that
// nothing is.
func (w *world) checkErased() {
	if len(w.left) == 0 {
		return
	}
	ctx := context.Background()
	for i, days := range []time.Duration{21 * time.Minute, 26 * time.Hour, 8 * 24 * time.Hour} {
		w.now = w.now.Add(days)
		for range 4 {
			w.now = w.now.Add(2 * time.Second)
			r := w.replicas[i%len(w.replicas)]
			w.erase(r)
			w.allow(r.Reconcile(ctx), "reconcile after days")
		}
	}
	for key, value := range w.census() {
		body, err := json.Marshal(value)
		if err != nil {
			w.fail("record %v does not encode: %v", key, err)
		}
		text := key.Partition + "/" + key.Sort + string(body)
		for p := range w.left {
			tombstone := key.Partition == "P#"+string(p) && key.Sort == "A" || key.Partition == "AUD#"+string(p) && value["event"] == "deleted"
			if !tombstone && strings.Contains(text, string(p)) {
				w.fail("%s was deleted and is still in %s/%s: %s", p, key.Partition, key.Sort, body)
			}
		}
	}
	w.checkRatings(w.replicas[0])
}

// erasedRecord says what is wrong with a record in the partition of a deleted player,
// once they were erased.
func erasedRecord(sort string, value map[string]any) string {
	switch {
	case sort == "A", strings.HasPrefix(sort, "MR#"): // rows of late results lead the next look there
		return ""
	case strings.HasPrefix(sort, "RATING#") && value["alias"] != nil:
		return ""
	}
	return "is of a deleted player"
}
