module statefold.test/functions

go 1.21

require (
	github.com/apache/flink-statefun/statefun-sdk-go/v3 v3.3.0
	google.golang.org/protobuf v1.33.0
)
