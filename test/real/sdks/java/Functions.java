import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;
import org.apache.flink.statefun.sdk.java.Address;
import org.apache.flink.statefun.sdk.java.Context;
import org.apache.flink.statefun.sdk.java.StatefulFunction;
import org.apache.flink.statefun.sdk.java.StatefulFunctionSpec;
import org.apache.flink.statefun.sdk.java.StatefulFunctions;
import org.apache.flink.statefun.sdk.java.TypeName;
import org.apache.flink.statefun.sdk.java.ValueSpec;
import org.apache.flink.statefun.sdk.java.handler.RequestReplyHandler;
import org.apache.flink.statefun.sdk.java.io.KafkaEgressMessage;
import org.apache.flink.statefun.sdk.java.message.Message;
import org.apache.flink.statefun.sdk.java.message.MessageBuilder;
import org.apache.flink.statefun.sdk.java.slice.Slices;
import org.apache.flink.statefun.sdk.java.types.SimpleType;
import org.apache.flink.statefun.sdk.java.types.Type;
import org.apache.flink.statefun.sdk.java.types.Types;

/**
 * The program of ../program.ts with the Apache project's Java SDK.
 *
 * <p>Arguments: the port for HTTP, the port for mutual TLS, and the folder of its certificates.
 */
public final class Functions {
  private static final ObjectMapper JSON = new ObjectMapper();

  record Order(String act, String to, int ms, String token) {}

  record Point(int x, String name) {}

  private static final Type<Order> ORDER = json("sdk/Order", Order.class);
  private static final TypeName WORKER = TypeName.typeNameFromString("sdk/worker");
  private static final TypeName PEER = TypeName.typeNameFromString("sdk/peer");
  private static final TypeName KAFKA = TypeName.typeNameFromString("sdk/kafka");
  private static final TypeName LOG = TypeName.typeNameFromString("sdk/log");

  private static <T> Type<T> json(String name, Class<T> type) {
    return SimpleType.simpleImmutableTypeFrom(
        TypeName.typeNameFromString(name),
        JSON::writeValueAsBytes,
        bytes -> JSON.readValue(bytes, type));
  }

  /** The only protobuf classes on the SDK's class path are the ones inside its jar. */
  private static final Type<org.apache.flink.statefun.sdk.shaded.com.google.protobuf.Duration>
      LASTING =
          SimpleType.simpleImmutableTypeFrom(
              TypeName.typeNameFromString("type.googleapis.com/google.protobuf.Duration"),
              value -> value.toByteArray(),
              org.apache.flink.statefun.sdk.shaded.com.google.protobuf.Duration::parseFrom);

  private static final Type<byte[]> BYTES =
      SimpleType.simpleTypeFrom(
          TypeName.typeNameFromString("sdk/Bytes"), bytes -> bytes, bytes -> bytes);

  private static final List<ValueSpec<?>> VALUES =
      List.of(
          ValueSpec.named("flag").withBooleanType(),
          ValueSpec.named("small").withIntType(),
          ValueSpec.named("large").withLongType(),
          ValueSpec.named("single").withFloatType(),
          ValueSpec.named("precise").withDoubleType(),
          ValueSpec.named("text").withUtf8StringType(),
          ValueSpec.named("point").withCustomType(json("sdk/Point", Point.class)),
          ValueSpec.named("lasting").withCustomType(LASTING),
          ValueSpec.named("raw").withCustomType(BYTES));

  private static CompletableFuture<Void> values(Context context, Message message) {
    Address caller = context.caller().orElseThrow();
    if (message.is(ORDER)) {
      for (ValueSpec<?> spec : VALUES) context.storage().remove(spec);
      context.send(MessageBuilder.forAddress(caller).withValue("forgotten").build());
      return context.done();
    }
    for (ValueSpec<?> spec : VALUES) {
      if (message.is(spec.type())) context.send(exchange(context, message, spec, caller));
    }
    return context.done();
  }

  private static <T> Message exchange(
      Context context, Message message, ValueSpec<T> spec, Address caller) {
    Optional<T> before = context.storage().get(spec);
    context.storage().set(spec, message.as(spec.type()));
    MessageBuilder answer = MessageBuilder.forAddress(caller);
    before.ifPresentOrElse(
        value -> answer.withCustomType(spec.type(), value), () -> answer.withValue("none"));
    return answer.build();
  }

  private static void say(Context context, String text) {
    context.send(
        KafkaEgressMessage.forEgress(KAFKA)
            .withTopic("said")
            .withUtf8Key(context.self().id())
            .withUtf8Value(text)
            .build());
  }

  private static Message order(Address to, String act) {
    return MessageBuilder.forAddress(to).withCustomType(ORDER, new Order(act, "", 0, "")).build();
  }

  private static final ValueSpec<Integer> TOTAL = ValueSpec.named("total").withIntType();
  private static final Set<String> FAILED = ConcurrentHashMap.newKeySet();

  private static int countOne(Context context) {
    int total = context.storage().get(TOTAL).orElse(0) + 1;
    context.storage().set(TOTAL, total);
    return total;
  }

  private static CompletableFuture<Void> worker(Context context, Message message) {
    if (message.isUtf8String()) {
      say(context, message.asUtf8String());
      return context.done();
    }
    Order order = message.as(ORDER);
    if (order.act().equals("nothing")) return context.done();
    int total = countOne(context);
    String text = order.act() + " " + total;
    say(context, text);
    switch (order.act()) {
      case "tell", "fail" -> context.send(order(new Address(WORKER, order.to()), "told"));
      case "ask" ->
          context.send(MessageBuilder.forAddress(PEER, order.to()).withValue("who?").build());
      case "remind" -> {
        Duration delay = Duration.ofMillis(order.ms());
        Message reminder = order(context.self(), "reminded");
        if (order.token().isEmpty()) context.sendAfter(delay, reminder);
        else context.sendAfter(delay, order.token(), reminder);
      }
      case "cancel" -> context.cancelDelayedMessage(order.token());
      case "note" ->
          context.send(
              KafkaEgressMessage.forEgress(LOG)
                  .withTopic("notes")
                  .withValue(Types.integerType(), total)
                  .build());
      default -> {}
    }
    context
        .caller()
        .filter(caller -> !caller.type().equals(WORKER))
        .ifPresent(
            caller -> context.send(MessageBuilder.forAddress(caller).withValue(text).build()));
    if (order.act().equals("fail") && FAILED.add(context.self().id())) {
      throw new IllegalStateException("half-way");
    }
    return context.done();
  }

  private static CompletableFuture<Void> peer(Context context, Message message) {
    Address caller = context.caller().orElseThrow();
    String who = caller.type().asTypeNameString() + "/" + caller.id();
    String text = who + " asked " + context.self().id() + " " + message.asUtf8String();
    context.send(MessageBuilder.forAddress(caller).withValue(text).build());
    return context.done();
  }

  private static final List<ValueSpec<Integer>> SESSION =
      List.of(
          ValueSpec.named("written").thatExpireAfterWrite(Duration.ofSeconds(1)).withIntType(),
          ValueSpec.named("called").thatExpiresAfterCall(Duration.ofSeconds(2)).withIntType(),
          ValueSpec.named("lasting").thatExpireAfterWrite(Duration.ofHours(1)).withIntType());

  private static CompletableFuture<Void> session(Context context, Message message) {
    String act = message.as(ORDER).act();
    List<String> words = new ArrayList<>(List.of(act));
    for (ValueSpec<Integer> spec : SESSION) {
      if (act.equals("begin")) context.storage().set(spec, 1);
      if (context.storage().get(spec).isPresent()) words.add(spec.name());
    }
    say(context, String.join(" ", words));
    return context.done();
  }

  private static CompletableFuture<Void> sealed(Context context, Message message) {
    Address caller = context.caller().orElseThrow();
    String text = "sealed " + countOne(context);
    context.send(MessageBuilder.forAddress(caller).withValue(text).build());
    return context.done();
  }

  private static StatefulFunctionSpec spec(
      String name, List<? extends ValueSpec<?>> states, StatefulFunction function) {
    return StatefulFunctionSpec.builder(TypeName.typeNameFromString(name))
        .withValueSpecs(states.toArray(new ValueSpec<?>[0]))
        .withSupplier(() -> function)
        .build();
  }

  public static void main(String[] arguments) throws Exception {
    StatefulFunctions functions =
        new StatefulFunctions()
            .withStatefulFunction(spec("sdk/values", VALUES, Functions::values))
            .withStatefulFunction(spec("sdk/worker", List.of(TOTAL), Functions::worker))
            .withStatefulFunction(spec("sdk/peer", List.of(), Functions::peer))
            .withStatefulFunction(spec("sdk/session", SESSION, Functions::session))
            .withStatefulFunction(spec("sdk/sealed", List.of(TOTAL), Functions::sealed));
    RequestReplyHandler handler = functions.requestReplyHandler();
    HttpServer plain = HttpServer.create(loopback(arguments[0]), 0);
    HttpsServer secure = HttpsServer.create(loopback(arguments[1]), 0);
    secure.setHttpsConfigurator(mutualTls(Path.of(arguments[2])));
    for (HttpServer server : List.of(plain, secure)) {
      server.setExecutor(Executors.newCachedThreadPool());
      server.createContext("/", exchange -> answer(handler, exchange));
      server.start();
    }
    System.out.println("serving");
  }

  private static InetSocketAddress loopback(String port) {
    return new InetSocketAddress("127.0.0.1", Integer.parseInt(port));
  }

  private static void answer(RequestReplyHandler handler, HttpExchange exchange)
      throws IOException {
    int status = 500;
    byte[] answer = {};
    try {
      byte[] request = exchange.getRequestBody().readAllBytes();
      answer = handler.handle(Slices.wrap(request)).join().toByteArray();
      status = 200;
    } catch (RuntimeException exception) {
      exception.printStackTrace();
    }
    exchange.getResponseHeaders().set("content-type", "application/octet-stream");
    exchange.sendResponseHeaders(status, answer.length == 0 ? -1 : answer.length);
    exchange.getResponseBody().write(answer);
    exchange.close();
  }

  private static HttpsConfigurator mutualTls(Path folder) throws Exception {
    KeyStore own = emptyStore();
    String pem = Files.readString(folder.resolve("server-key.pem")).replaceAll("-----[^-]+-----|\\s", "");
    PKCS8EncodedKeySpec key = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem));
    own.setKeyEntry(
        "server",
        KeyFactory.getInstance("EC").generatePrivate(key),
        new char[0],
        new Certificate[] {certificate(folder.resolve("server.pem"))});
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(own, new char[0]);
    KeyStore trusted = emptyStore();
    trusted.setCertificateEntry("ca", certificate(folder.resolve("ca.pem")));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return new HttpsConfigurator(context) {
      @Override
      public void configure(HttpsParameters parameters) {
        SSLParameters settings = getSSLContext().getDefaultSSLParameters();
        settings.setNeedClientAuth(true);
        parameters.setSSLParameters(settings);
      }
    };
  }

  private static KeyStore emptyStore() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Certificate certificate(Path file) throws Exception {
    try (InputStream stream = Files.newInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificate(stream);
    }
  }

  private Functions() {}
}
