package gameliftlocal

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
)

// BenchmarkStartMatchmaking is the whole way of a ticket to a standalone match, without
// the wire: every second ticket completes a pair.
func BenchmarkStartMatchmaking(b *testing.B) {
	o := Options{}
	o.SNS.Key = signingKey()
	s, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	rules := duelRules
	if _, err := s.createMatchmakingRuleSet(ctx, &gamelift.CreateMatchmakingRuleSetInput{Name: aws.String("rules"), RuleSetBody: &rules}); err != nil {
		b.Fatal(err)
	}
	in := &gamelift.CreateMatchmakingConfigurationInput{
		Name: aws.String("duel"), RuleSetName: aws.String("rules"), AcceptanceRequired: aws.Bool(false), RequestTimeoutSeconds: aws.Int32(60),
	}
	standalone(in)
	if _, err := s.createMatchmakingConfiguration(ctx, in); err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		if _, err := s.startMatchmaking(ctx, startInput("duel", fmt.Sprint(i), 1, fmt.Sprint("player-", i))); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
