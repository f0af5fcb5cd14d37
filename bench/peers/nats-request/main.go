// Requests over NATS, for comparison: a real server, a subscriber that echoes, and a client, each a process of its own.
//
// `serve` runs the server and prints its URL. `echo URL` subscribes and prints a line when it is ready. `ask URL COUNT
// BYTES` makes a tenth of COUNT requests to warm up, then COUNT one after another, and prints their nanoseconds as a
// JSON array.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	subject  = "bench.request"
	patience = 10 * time.Second
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nats-request:", err)
		os.Exit(1)
	}
}

func run(words []string) error {
	switch {
	case len(words) == 1 && words[0] == "serve":
		return serve()
	case len(words) == 2 && words[0] == "echo":
		return echo(words[1])
	case len(words) == 4 && words[0] == "ask":
		return ask(words[1], words[2], words[3])
	}
	return fmt.Errorf("usage: nats-request serve | echo URL | ask URL COUNT BYTES")
}

func serve() error {
	instance, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true})
	if err != nil {
		return err
	}
	instance.Start()
	if !instance.ReadyForConnections(patience) {
		return fmt.Errorf("the server is not ready")
	}
	fmt.Println(instance.ClientURL())
	instance.WaitForShutdown()
	return nil
}

func echo(url string) error {
	connection, err := nats.Connect(url)
	if err != nil {
		return err
	}
	if _, err = connection.Subscribe(subject, func(message *nats.Msg) { _ = message.Respond(message.Data) }); err != nil {
		return err
	}
	if err = connection.Flush(); err != nil {
		return err
	}
	fmt.Println("ready")
	select {}
}

func ask(url, countText, bytesText string) error {
	count, err := strconv.Atoi(countText)
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(bytesText)
	if err != nil {
		return err
	}
	connection, err := nats.Connect(url)
	if err != nil {
		return err
	}
	payload := make([]byte, size)
	times := make([]int64, 0, count)
	for i := -count / 10; i < count; i++ {
		began := time.Now()
		if _, err = connection.Request(subject, payload, patience); err != nil {
			return err
		}
		if i >= 0 {
			times = append(times, time.Since(began).Nanoseconds())
		}
	}
	return json.NewEncoder(os.Stdout).Encode(times)
}
