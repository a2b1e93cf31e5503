// Command webhook is a way in of a studio's own: the service that a provider of kind
// webhook asks whether a player is who they say. It uses nothing but the standard library,
// so it shows all that a webhook in another language has to do.
//
// This studio's launcher gives every player a ticket, "account.expiry.signature". Put your own
// check in the place of checkTicket.
//
//	MUSTER_KEY=... TICKET_KEY=... webhook -addr 127.0.0.1:8090
package main

import (
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8090", "where to listen; behind something that speaks https")
	flag.Parse()
	if err := run(*addr, os.Getenv("MUSTER_KEY"), os.Getenv("TICKET_KEY")); err != nil {
		log.Fatal(err)
	}
}

func run(addr, musterKey, ticketKey string) error {
	if len(musterKey) < 32 || len(ticketKey) < 32 {
		return errors.New("MUSTER_KEY and TICKET_KEY are needed, of 32 characters or more")
	}
	server := &http.Server{
		Addr: addr, Handler: newWebhook([]byte(musterKey), []byte(ticketKey), time.Now),
		ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
	}
	return server.ListenAndServe()
}
