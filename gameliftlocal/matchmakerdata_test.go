package gameliftlocal

import (
	"testing"

	"muster/flexmatch"
)

func seat(id string, attributes map[string]flexmatch.Value) flexmatch.SeatedPlayer {
	return flexmatch.SeatedPlayer{ID: id, TicketID: "t-" + id, Attributes: attributes}
}

func TestMatchmakerDataHasAmazonsForm(t *testing.T) {
	m := flexmatch.Match{ID: "m-1", Teams: []flexmatch.Team{
		{Name: "red", Players: []flexmatch.SeatedPlayer{seat("ada", map[string]flexmatch.Value{
			"skill":  {Kind: flexmatch.NumberAttribute, Number: 23},
			"ratio":  {Kind: flexmatch.NumberAttribute, Number: 0.5},
			"mode":   {Kind: flexmatch.StringAttribute, String: "coop"},
			"maps":   {Kind: flexmatch.StringListAttribute, Strings: []string{"a", "b"}},
			"skills": {Kind: flexmatch.StringNumberMapAttribute, Numbers: map[string]float64{"Body": 10}},
			"unset":  {},
		})}},
		{Name: "blue", Players: []flexmatch.SeatedPlayer{seat("bob", nil)}},
	}}
	want := `{"matchId":"m-1","matchmakingConfigurationArn":"arn:c","teams":[` +
		`{"name":"red","players":[{"playerId":"ada","attributes":{` +
		`"maps":{"attributeType":"STRING_LIST","valueAttribute":["a","b"]},` +
		`"mode":{"attributeType":"STRING","valueAttribute":"coop"},` +
		`"ratio":{"attributeType":"DOUBLE","valueAttribute":0.5},` +
		`"skill":{"attributeType":"DOUBLE","valueAttribute":23.0},` +
		`"skills":{"attributeType":"STRING_DOUBLE_MAP","valueAttribute":{"Body":10.0}}}}]},` +
		`{"name":"blue","players":[{"playerId":"bob","attributes":{}}]}],` +
		`"autoBackfillMode":null,"autoBackfillTicketId":null}`
	if got := newMatchmakerData(m, "arn:c").text(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMergeAddsNewcomersAndKeepsThoseWhoLeft(t *testing.T) {
	old, ok := parseMatchmakerData(`{"matchId":"m-1","matchmakingConfigurationArn":"arn:c","teams":[{"name":"red","players":[` +
		`{"playerId":"ada","attributes":{"skill":{"attributeType":"DOUBLE","valueAttribute":23.0}}},{"playerId":"left","attributes":{}}]}]}`)
	if !ok {
		t.Fatal("not read")
	}
	got := old.merge(flexmatch.Match{ID: "m-2", Teams: []flexmatch.Team{
		{Name: "red", Players: []flexmatch.SeatedPlayer{seat("ada", nil), seat("new", nil)}},
		{Name: "blue", Players: []flexmatch.SeatedPlayer{seat("other", nil)}},
	}})
	want := `{"matchId":"m-2","matchmakingConfigurationArn":"arn:c","teams":[{"name":"red","players":[` +
		`{"playerId":"ada","attributes":{"skill":{"attributeType":"DOUBLE","valueAttribute":23.0}}},{"playerId":"left","attributes":{}},` +
		`{"playerId":"new","attributes":{}}]},{"name":"blue","players":[{"playerId":"other","attributes":{}}]}],` +
		`"autoBackfillMode":null,"autoBackfillTicketId":null}`
	if got.text() != want {
		t.Errorf("got  %s\nwant %s", got.text(), want)
	}
	if len(old.Teams[0].Players) != 2 || old.MatchID != "m-1" {
		t.Errorf("the old data was changed: %+v", old)
	}
}

func TestParseMatchmakerDataKnowsWhatIsNotFlexMatchs(t *testing.T) {
	for _, text := range []string{"", "{}", "null", "[]", `{"matchId":""}`, `{"matchId":3}`, "plain"} {
		if _, ok := parseMatchmakerData(text); ok {
			t.Errorf("%q was taken for matchmaker data", text)
		}
	}
}

func TestNumbersAreWrittenAsJavaWritesThem(t *testing.T) {
	for n, want := range map[double]string{
		0: "0.0", 23: "23.0", -1.5: "-1.5", 0.001: "0.001", 9999999: "9999999.0", 1234567.25: "1234567.25",
		1e7: "1.0E7", 12345678: "1.2345678E7", 0.0005: "5.0E-4", -1e300: "-1.0E300", 2.5e-9: "2.5E-9",
	} {
		if got := string(mustJSON(n)); got != want {
			t.Errorf("%v is written %s, want %s", float64(n), got, want)
		}
	}
}
