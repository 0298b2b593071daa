// The program of ../program.ts with the Apache project's Go SDK.
//
// Arguments: the port for HTTP, the port for mutual TLS, and the folder of its certificates.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/apache/flink-statefun/statefun-sdk-go/v3/pkg/statefun"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Order is a message of type sdk/Order.
type Order struct {
	Act   string `json:"act"`
	To    string `json:"to"`
	Ms    int    `json:"ms"`
	Token string `json:"token"`
}

// Point is a value of type sdk/Point.
type Point struct {
	X    int    `json:"x"`
	Name string `json:"name"`
}

// bytesType is a type of our own, written as the SDK asks for it.
type bytesType struct{}

func (bytesType) GetTypeName() statefun.TypeName { return statefun.TypeNameFrom("sdk/Bytes") }

func (bytesType) Serialize(writer io.Writer, data interface{}) error {
	_, err := writer.Write(*data.(*[]byte))
	return err
}

func (bytesType) Deserialize(reader io.Reader, receiver interface{}) (err error) {
	*receiver.(*[]byte), err = io.ReadAll(reader)
	return err
}

var (
	orderType  = statefun.MakeJsonType(statefun.TypeNameFrom("sdk/Order"))
	kafka      = statefun.TypeNameFrom("sdk/kafka")
	topicLog   = statefun.TypeNameFrom("sdk/log")
	workerName = statefun.TypeNameFrom("sdk/worker")
	peerName   = statefun.TypeNameFrom("sdk/peer")
)

// kept is a state of sdk/values, with a new place for a value of its type.
type kept struct {
	spec  statefun.ValueSpec
	empty func() interface{}
}

func keep(name string, valueType statefun.SimpleType, empty func() interface{}) kept {
	return kept{statefun.ValueSpec{Name: name, ValueType: valueType}, empty}
}

var values = []kept{
	keep("flag", statefun.BoolType, func() interface{} { return new(bool) }),
	keep("small", statefun.Int32Type, func() interface{} { return new(int32) }),
	keep("large", statefun.Int64Type, func() interface{} { return new(int64) }),
	keep("single", statefun.Float32Type, func() interface{} { return new(float32) }),
	keep("precise", statefun.Float64Type, func() interface{} { return new(float64) }),
	keep("text", statefun.StringType, func() interface{} { return new(string) }),
	keep("point", statefun.MakeJsonType(statefun.TypeNameFrom("sdk/Point")), func() interface{} { return new(Point) }),
	keep("lasting", statefun.MakeProtobufType(&durationpb.Duration{}), func() interface{} { return new(durationpb.Duration) }),
	keep("raw", bytesType{}, func() interface{} { return new([]byte) }),
}

func keepValue(ctx statefun.Context, message statefun.Message) error {
	if message.Is(orderType) {
		for _, value := range values {
			ctx.Storage().Remove(value.spec)
		}
		ctx.Send(statefun.MessageBuilder{Target: *ctx.Caller(), Value: "forgotten"})
		return nil
	}
	for _, value := range values {
		if !message.Is(value.spec.ValueType) {
			continue
		}
		before, now := value.empty(), value.empty()
		if err := message.As(value.spec.ValueType, now); err != nil {
			return err
		}
		wasThere := ctx.Storage().Get(value.spec, before)
		ctx.Storage().Set(value.spec, now)
		if wasThere {
			ctx.Send(statefun.MessageBuilder{Target: *ctx.Caller(), Value: before, ValueType: value.spec.ValueType})
		} else {
			ctx.Send(statefun.MessageBuilder{Target: *ctx.Caller(), Value: "none"})
		}
		return nil
	}
	return fmt.Errorf("a value of type %v", message.ValueTypeName())
}

func say(ctx statefun.Context, text string) {
	ctx.SendEgress(statefun.KafkaEgressBuilder{Target: kafka, Topic: "said", Key: ctx.Self().Id, Value: text})
}

func orderTo(target statefun.Address, act string) statefun.MessageBuilder {
	return statefun.MessageBuilder{Target: target, Value: Order{Act: act}, ValueType: orderType}
}

var (
	total  = statefun.ValueSpec{Name: "total", ValueType: statefun.Int32Type}
	failed sync.Map
)

func countOne(ctx statefun.Context) (count int32) {
	ctx.Storage().Get(total, &count)
	count++
	ctx.Storage().Set(total, count)
	return count
}

func work(ctx statefun.Context, message statefun.Message) error {
	if message.IsString() {
		say(ctx, message.AsString())
		return nil
	}
	var order Order
	if err := message.As(orderType, &order); err != nil {
		return err
	}
	if order.Act == "nothing" {
		return nil
	}
	count := countOne(ctx)
	text := fmt.Sprintf("%s %d", order.Act, count)
	say(ctx, text)
	switch order.Act {
	case "tell", "fail":
		ctx.Send(orderTo(statefun.Address{FunctionType: workerName, Id: order.To}, "told"))
	case "ask":
		ctx.Send(statefun.MessageBuilder{Target: statefun.Address{FunctionType: peerName, Id: order.To}, Value: "who?"})
	case "remind":
		delay := time.Duration(order.Ms) * time.Millisecond
		reminder := orderTo(ctx.Self(), "reminded")
		if order.Token == "" {
			ctx.SendAfter(delay, reminder)
			break
		}
		token, err := statefun.NewCancellationToken(order.Token)
		if err != nil {
			return err
		}
		ctx.SendAfterWithCancellationToken(delay, token, reminder)
	case "cancel":
		token, err := statefun.NewCancellationToken(order.Token)
		if err != nil {
			return err
		}
		ctx.CancelDelayedMessage(token)
	case "note":
		ctx.SendEgress(statefun.KafkaEgressBuilder{Target: topicLog, Topic: "notes", Value: count, ValueType: statefun.Int32Type})
	}
	if caller := ctx.Caller(); caller != nil && caller.FunctionType != workerName {
		ctx.Send(statefun.MessageBuilder{Target: *caller, Value: text})
	}
	if order.Act == "fail" {
		if _, wasThere := failed.LoadOrStore(ctx.Self().Id, true); !wasThere {
			return errors.New("half-way")
		}
	}
	return nil
}

func answer(ctx statefun.Context, message statefun.Message) error {
	caller := *ctx.Caller()
	text := fmt.Sprintf("%v/%s asked %s %s", caller.FunctionType, caller.Id, ctx.Self().Id, message.AsString())
	ctx.Send(statefun.MessageBuilder{Target: caller, Value: text})
	return nil
}

var session = []statefun.ValueSpec{
	{Name: "written", ValueType: statefun.Int32Type, Expiration: statefun.ExpireAfterWrite(time.Second)},
	{Name: "called", ValueType: statefun.Int32Type, Expiration: statefun.ExpireAfterCall(2 * time.Second)},
	{Name: "lasting", ValueType: statefun.Int32Type, Expiration: statefun.ExpireAfterWrite(time.Hour)},
}

func holdSession(ctx statefun.Context, message statefun.Message) error {
	var order Order
	if err := message.As(orderType, &order); err != nil {
		return err
	}
	words := []string{order.Act}
	for _, spec := range session {
		if order.Act == "begin" {
			ctx.Storage().Set(spec, int32(1))
		}
		var value int32
		if ctx.Storage().Get(spec, &value) {
			words = append(words, spec.Name)
		}
	}
	say(ctx, strings.Join(words, " "))
	return nil
}

func sealed(ctx statefun.Context, _ statefun.Message) error {
	ctx.Send(statefun.MessageBuilder{Target: *ctx.Caller(), Value: fmt.Sprintf("sealed %d", countOne(ctx))})
	return nil
}

func main() {
	port, tlsPort, folder := os.Args[1], os.Args[2], os.Args[3]
	var specs []statefun.ValueSpec
	for _, value := range values {
		specs = append(specs, value.spec)
	}
	functions := statefun.StatefulFunctionsBuilder()
	bind := func(name string, states []statefun.ValueSpec, function statefun.StatefulFunctionPointer) {
		spec := statefun.StatefulFunctionSpec{FunctionType: statefun.TypeNameFrom(name), States: states, Function: function}
		must(functions.WithSpec(spec))
	}
	bind("sdk/values", specs, keepValue)
	bind("sdk/worker", []statefun.ValueSpec{total}, work)
	bind("sdk/peer", nil, answer)
	bind("sdk/session", session, holdSession)
	bind("sdk/sealed", []statefun.ValueSpec{total}, sealed)
	handler := functions.AsHandler()

	authority, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	must(err)
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(authority)
	secure := http.Server{
		Addr:      "127.0.0.1:" + tlsPort,
		Handler:   handler,
		TLSConfig: &tls.Config{ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert},
	}
	go func() {
		must(secure.ListenAndServeTLS(filepath.Join(folder, "server.pem"), filepath.Join(folder, "server-key.pem")))
	}()
	go func() { must(http.ListenAndServe("127.0.0.1:"+port, handler)) }()
	fmt.Println("serving")
	select {}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
