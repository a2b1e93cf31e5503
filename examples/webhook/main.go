// Command webhook is a way in of a studio's own: the service that a provider of kind
// webhook asks whether a player is who they say. It uses nothing but the standard library,
// so it shows all that a webhook in another language has to do.
//
// This studio's launcher gives every player a ticket, "account.expiry.signature": expiry in
// seconds since 1970, signature the HMAC-SHA256 of what stands before it, in hexadecimal. Put
// your own check in the place of checkTicket. WEBHOOK_KEY is the key that Muster has, too;
// -ticket prints a ticket that is good for an hour, in place of a launcher.
//
//	WEBHOOK_KEY=... TICKET_KEY=... webhook -addr 127.0.0.1:8090
//	TICKET_KEY=... webhook -ticket ann
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8090", "where to listen; behind something that speaks https")
	account := flag.String("ticket", "", "print a ticket for an account, and end")
	flag.Parse()
	if *account != "" {
		ticket, err := printed(*account, os.Getenv("TICKET_KEY"), time.Now())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ticket)
		return
	}
	if err := run(*addr, os.Getenv("WEBHOOK_KEY"), os.Getenv("TICKET_KEY")); err != nil {
		log.Fatal(err)
	}
}

// leastKey is how long keys are at least. One that is not set is empty, and would sign, too.
const leastKey = 32

// printed is a ticket in place of the launcher's.
func printed(account, ticketKey string, now time.Time) (string, error) {
	switch {
	case len(ticketKey) < leastKey:
		return "", errors.New("TICKET_KEY is needed, of 32 characters or more")
	case strings.Contains(account, "."):
		return "", errors.New("an account has no dots: they part a ticket")
	}
	return newTicket([]byte(ticketKey), account, now.Add(time.Hour)), nil
}

func run(addr, musterKey, ticketKey string) error {
	if len(musterKey) < leastKey || len(ticketKey) < leastKey {
		return errors.New("WEBHOOK_KEY and TICKET_KEY are needed, of 32 characters or more")
	}
	server := &http.Server{
		Addr: addr, Handler: newWebhook([]byte(musterKey), []byte(ticketKey), time.Now),
		ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
	}
	return server.ListenAndServe()
}
