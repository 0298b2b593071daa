/** One good document of every kind, with every field in it. */
export const EVERY_KIND: readonly string[] = [
  `kind: io.statefun.endpoints.v2/http
spec:
  functions: demo/*
  urlPathTemplate: https://functions:8000/{function.name}
  maxNumBatchRequests: 500
  onFailure: park
  concurrency: 64
  delivery: immediate
  retry: {maxAttempts: 5, initial: 100ms, max: 30s}
  transport:
    type: io.statefun.transports.v1/async
    call: 2min
    connect: 20 s
    pool_ttl: 15s
    pool_size: 1024
    payload_max_bytes: 33554432
    trust_cacerts: classpath:ca.pem
    client_cert: certs/client.pem
    client_key: certs/client.key
    client_key_password: /run/secrets/password
`,
  `kind: io.statefun.endpoints.v2/http
spec:
  functions: other/one
  urlPathTemplate: http+unix:///run/fn.sock/statefun
  transport:
    type: io.statefun.transports.v1/okhttp
    timeouts: {call: 1 min, connect: 10s, read: 10s, write: 10s}
`,
  `kind: io.statefun.endpoints.v1/http
spec:
  functions: third/*
  urlPathTemplate: http://\${HOST:-functions}/{function.name}
  maxNumBatchRequests: 10
  timeouts: {call: 1 min}
`,
  `kind: io.statefold.embedded.v1/functions
spec:
  module: ./functions.js
  retry: &retry {maxAttempts: 3}
`,
  `kind: io.statefun.kafka.v1/ingress
spec:
  id: demo/orders
  address: \${KAFKA:-kafka:9092}
  consumerGroupId: billing
  autoOffsetResetPosition: earliest
  startupPosition:
    type: specific-offsets
    offsets:
      - orders/0: 41
      - orders/1: 42
  topics:
    - topic: orders
      valueType: demo/Order
      targets: &targets
        - demo/order
        - demo/audit
    - {topic: refunds, valueType: demo/Refund, targets: *targets}
  properties:
    - max.poll.records: 100
  onInvalid: deadLetter
`,
  `kind: io.statefun.kinesis.v1/ingress
spec:
  id: demo/kinesis
  awsRegion: {type: custom-endpoint, endpoint: "http://localhost:4567", id: us-west-1}
  awsCredentials: {type: profile, profileName: dev, profilePath: /home/dev/.aws}
  startupPosition: {type: date, date: 2020-02-01 04:15:00.000 +0000}
  streams:
    - stream: orders
      valueType: demo/Order
      targets: [demo/order]
  clientConfigProperties: [{SocketTimeout: 9999}]
`,
  `kind: io.statefold.log.v1/ingress
spec:
  id: demo/log
  startupPosition: {type: earliest}
  topics: [{topic: orders, valueType: demo/Order, targets: [demo/order]}]
  onInvalid: skip
`,
  `kind: io.statefun.playground.v1/ingress
spec: {port: 8090}
`,
  `kind: io.statefun.kafka.v1/egress
spec:
  id: demo/kafka
  address: kafka:9092
  deliverySemantic: {type: exactly-once, transactionTimeout: 15min}
  properties: [{linger.ms: 5}]
  release: commit
`,
  `kind: io.statefun.kinesis.v1/egress
spec:
  id: demo/stream
  awsRegion: {type: specific, id: us-west-1}
  awsCredentials: {type: basic, accessKeyId: a, secretAccessKey: b}
  maxOutstandingRecords: 9999
  clientConfigProperties: []
`,
  `kind: io.statefold.log.v1/egress
spec: {id: demo/audit, release: snapshot}
`,
  `kind: io.statefun.playground.v1/egress
spec:
  port: 8091
  topics:
    - greetings
`,
];

export const LEGACY = `version: "3.0"
module:
  meta:
    type: remote
  spec:
    endpoints:
      - endpoint:
          meta: {kind: http}
          spec: {functions: demo/*, urlPathTemplate: "http://h/{function.name}"}
    ingresses:
      - ingress:
          meta: {type: io.statefun.kafka/ingress, id: demo/in}
          spec:
            address: kafka:9092
            consumerGroupId: g
            topics: [{topic: orders, valueType: demo/Order, targets: [demo/a]}]
    egresses:
      - egress:
          meta: {type: io.statefun.kafka/egress, id: demo/out}
          spec: {address: "kafka:9092"}
`;
