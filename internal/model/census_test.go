package model

import (
	"context"
	"encoding/json"
	"strings"

	"muster"
)

// census is every record of the store, by key, with its value as plain JSON. It does not
// go through the rules, so that they cannot hide what they left behind.
type census map[muster.Key]map[string]any

func (w *world) census() census {
	all := census{}
	err := w.store.Scan(context.Background(), func(page []muster.Record) error {
		for _, rec := range page {
			var value map[string]any
			if err := json.Unmarshal(rec.Value, &value); err != nil {
				w.fail("record %s/%s is not a JSON object: %v", rec.Partition, rec.Sort, err)
			}
			all[rec.Key] = value
		}
		return nil
	})
	w.allow(err, "scan the store")
	return all
}

// checkOwners: no record without what it belongs to.
func (w *world) checkOwners(settled bool) census {
	all := w.census()
	for key, value := range all {
		kind, id, _ := strings.Cut(key.Partition, "#")
		check := owners[kind]
		if check == nil {
			w.fail("record %s/%s is of a kind that this test does not know: say who owns it", key.Partition, key.Sort)
			continue
		}
		if problem := check(all, id, key.Sort, value); problem != "" {
			w.fail("record %s/%s %s: %v", key.Partition, key.Sort, problem, value)
		}
		if settled && kind == "P" && all[muster.Key{Partition: key.Partition, Sort: "A"}]["status"] == "deleted" {
			if problem := erasedRecord(key.Sort, value); problem != "" {
				w.fail("record %s/%s %s: %v", key.Partition, key.Sort, problem, value)
			}
		}
		if settled && kind == "DUE" && !strings.HasPrefix(id, "session#") && !strings.HasPrefix(id, "purge#") { // those stay longer
			w.fail("record %s/%s is due although all is settled", key.Partition, key.Sort)
		}
	}
	return all
}

// owners says, for each kind of partition, what is wrong with a record in it; empty:
// nothing.
var owners = map[string]func(all census, id, sort string, value map[string]any) string{
	"P":    playerRecord,
	"ID":   func(all census, _, _ string, v map[string]any) string { return all.player(v["player"]) },
	"T":    ticketRecord,
	"GS":   sessionRecord,
	"DUE":  func(census, string, string, map[string]any) string { return "" },
	"PTY":  partyRecord,
	"CODE": codeRecord,
	"PL":   placementRecord,
	"OPEN": openRecord,
	"SC":   roomCodeRecord,
	"RES":  listedResult,
	"NAME": nameRecord,
	"BF":   backfillRecord,
	"AUD": func(all census, id, _ string, value map[string]any) string {
		if id == "" && value["event"] == string(muster.AuditEveryoneOut) { // no player's
			return ""
		}
		return all.player(id)
	},
	"DENY": func(all census, _, sort string, value map[string]any) string {
		if sort == "~everyone" && value["why"] == string(muster.EveryoneOut) { // there is one
			return ""
		}
		_, player, _ := strings.Cut(sort, "#")
		return all.player(player)
	},
	"RATED":   func(census, string, string, map[string]any) string { return "" }, // one a mode
	"RECOUNT": func(census, string, string, map[string]any) string { return "" }, // one a mode
	"LB": func(all census, _, sort string, _ map[string]any) string {
		_, player, _ := strings.Cut(sort, "#")
		if all[muster.Key{Partition: "P#" + player, Sort: "A"}]["status"] == "deleted" {
			return "lists a deleted player"
		}
		return all.player(player)
	},
}

// player says that there is no account of this id, not even a deleted one.
func (c census) player(id any) string {
	text, _ := id.(string)
	if !strings.HasPrefix(text, "deleted-") && c[muster.Key{Partition: "P#" + text, Sort: "A"}] == nil {
		return "belongs to the player " + text + ", who does not exist"
	}
	return ""
}

func playerRecord(all census, id, sort string, value map[string]any) string {
	if problem := all.player(id); problem != "" {
		return problem
	}
	switch sort {
	case "SLOT":
		if value["kind"] == "ticket" {
			return all.slotTicket(id, value)
		}
	case "PARTY":
		party := all[muster.Key{Partition: "PTY#" + value["party"].(string), Sort: "META"}]
		if party != nil && !named(party["members"], "id", id) { // it may outlive the party
			return "points to a party without this member"
		}
	}
	return ""
}

// slotTicket: a slot names a ticket that names the player.
func (c census) slotTicket(player string, slot map[string]any) string {
	t := c[muster.Key{Partition: "T#" + slot["ticket"].(string), Sort: "META"}]
	if t == nil || !named(t["players"], "id", player) {
		return "is held by a ticket without this player"
	}
	return ""
}

func ticketRecord(all census, _, _ string, value map[string]any) string {
	players, _ := value["players"].([]any)
	final := muster.TicketStatus(value["status"].(string)).Final()
	for _, p := range players {
		id := p.(map[string]any)["id"].(string)
		if problem := all.player(id); problem != "" {
			return problem
		}
		slot := all[muster.Key{Partition: "P#" + id, Sort: "SLOT"}]
		if !final && (slot == nil || slot["ticket"] != value["id"]) {
			return "is live and does not hold the slot of " + id
		}
	}
	return ""
}

func sessionRecord(all census, id, _ string, value map[string]any) string {
	teams, _ := value["teams"].(map[string]any)
	for player := range teams {
		if problem := all.player(player); problem != "" {
			return problem
		}
	}
	return roomRecord(all, id, value)
}

// listedResult is a row of the list of results: it ends in the session whose result it is.
func listedResult(all census, _, sort string, _ map[string]any) string {
	_, session, _ := strings.Cut(sort, "#")
	if all[muster.Key{Partition: "GS#" + session, Sort: "RESULT"}] == nil {
		return "lists a result that does not exist"
	}
	return ""
}

func partyRecord(all census, id, _ string, value map[string]any) string {
	members, _ := value["members"].([]any)
	if len(members) == 0 {
		return "has no members"
	}
	for _, m := range members {
		player := m.(map[string]any)["id"].(string)
		pointer := all[muster.Key{Partition: "P#" + player, Sort: "PARTY"}]
		if pointer == nil || pointer["party"] != id {
			return "has the member " + player + ", who is in another or in none"
		}
	}
	if !named(value["members"], "id", value["leader"].(string)) {
		return "has a leader who is no member"
	}
	code := all[muster.Key{Partition: "CODE#" + value["code"].(string), Sort: "PARTY"}]
	if code == nil || code["party"] != id {
		return "cannot be found by its code"
	}
	return ""
}

func codeRecord(all census, id, _ string, value map[string]any) string {
	party := all[muster.Key{Partition: "PTY#" + value["party"].(string), Sort: "META"}]
	if party != nil && party["code"] != id { // it may outlive the party
		return "is no longer the code of its party"
	}
	return ""
}

// named says that one of a list's objects has the value under the key.
func named(list any, key, value string) bool {
	items, _ := list.([]any)
	for _, item := range items {
		if object, ok := item.(map[string]any); ok && object[key] == value {
			return true
		}
	}
	return false
}
