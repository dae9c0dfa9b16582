// go-stomp, which has no reconnecting of its own: whatever ends it is an error. See ../README.md.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-stomp/stomp/v3"
)

type result struct {
	Sent       int      `json:"sent"`
	Confirmed  int      `json:"confirmed"`
	Topic      []int    `json:"topic"`
	Queue      []int    `json:"queue"`
	Reconnects int      `json:"reconnects"`
	Errors     []string `json:"errors"`
}

var (
	ending atomic.Bool
	lock   sync.Mutex
	all    = result{Topic: []int{}, Queue: []int{}, Errors: []string{}}
)

func failed(what string, err error) bool {
	if err != nil {
		lock.Lock()
		all.Errors = append(all.Errors, fmt.Sprintf("%s: %v", what, err))
		lock.Unlock()
	}
	return err != nil
}

func finish() {
	lock.Lock()
	json.NewEncoder(os.Stdout).Encode(all)
	os.Exit(0)
}

func read(connection *stomp.Conn, subscription *stomp.Subscription, into *[]int, acknowledge bool) {
	for message := range subscription.C {
		if message.Err != nil {
			if !ending.Load() {
				failed("subscription", message.Err)
			}
			return
		}
		number, err := strconv.Atoi(string(message.Body))
		failed("body", err)
		lock.Lock()
		*into = append(*into, number)
		lock.Unlock()
		if acknowledge {
			failed("ack", connection.Ack(message))
		}
	}
}

func main() {
	host, port, name := os.Args[1], os.Args[2], os.Args[3]
	connection, err := stomp.Dial("tcp", host+":"+port, stomp.ConnOpt.Login("guest", "guest"),
		stomp.ConnOpt.Host("/"), stomp.ConnOpt.HeartBeat(time.Second, time.Second))
	if failed("dial", err) {
		finish()
	}
	topic, err := connection.Subscribe("/topic/"+name, stomp.AckAuto)
	if failed("subscribe", err) {
		finish()
	}
	queue, err := connection.Subscribe("/queue/"+name, stomp.AckClientIndividual)
	if failed("subscribe", err) {
		finish()
	}
	go read(connection, topic, &all.Topic, false)
	go read(connection, queue, &all.Queue, true)
	ended := make(chan bool)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	time.Sleep(200 * time.Millisecond) // SUBSCRIBE without a receipt
	for open := true; open; {
		all.Sent++
		destination := "/queue/" + name
		if all.Sent%2 == 1 {
			destination = "/topic/" + name
		}
		err := connection.Send(destination, "text/plain", []byte(strconv.Itoa(all.Sent)), stomp.SendOpt.Receipt)
		if failed("send", err) {
			finish()
		}
		all.Confirmed++
		select {
		case <-ended:
			open = false
		case <-time.After(5 * time.Millisecond):
		}
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		lock.Lock()
		whole := len(all.Topic)+len(all.Queue) >= all.Sent
		lock.Unlock()
		if whole {
			break
		}
	}
	ending.Store(true)
	failed("disconnect", connection.Disconnect())
	finish()
}
