package main

import (
	"context"
	"errors"
	"strings"

	"muster/aws/dynamo"
)

// openTable opens a DynamoDB table, and makes it first if place says so.
func openTable(ctx context.Context, place storePlace, name string) (database, error) {
	// A table may be called like a data folder, but not like a path.
	if file := sqliteFileAt(name); file != "" && (file == name || strings.ContainsAny(name, `/\`)) {
		return nil, usageError{exportFirst(file) + ", and import that into a table"}
	}
	store, err := dynamo.New(dynamo.Options{Table: name, Region: place.Region, Endpoint: place.Endpoint, Meter: place.Meter, Log: place.Log})
	if err != nil {
		return nil, err
	}
	if place.Create {
		err = store.CreateTable(ctx)
	}
	if err == nil {
		err = store.CheckTable(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}
