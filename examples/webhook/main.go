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
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8090", "where to listen; behind something that speaks https")
	account := flag.String("ticket", "", "print a ticket for an account, and end")
	flag.Parse()
	if *account != "" {
		fmt.Println(newTicket([]byte(os.Getenv("TICKET_KEY")), *account, time.Now().Add(time.Hour)))
		return
	}
	if err := run(*addr, os.Getenv("WEBHOOK_KEY"), os.Getenv("TICKET_KEY")); err != nil {
		log.Fatal(err)
	}
}

func run(addr, musterKey, ticketKey string) error {
	if len(musterKey) < 32 || len(ticketKey) < 32 {
		return errors.New("WEBHOOK_KEY and TICKET_KEY are needed, of 32 characters or more")
	}
	server := &http.Server{
		Addr: addr, Handler: newWebhook([]byte(musterKey), []byte(ticketKey), time.Now),
		ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
	}
	return server.ListenAndServe()
}
