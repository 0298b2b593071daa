import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Prints the values of all committed records of a topic's partition 0, as Java's client reads them. */
class ReadCommitted {
  public static void main(String[] args) {
    var settings = new HashMap<String, Object>();
    settings.put("bootstrap.servers", args[0]);
    settings.put("isolation.level", "read_committed");
    var text = new StringDeserializer();
    try (var consumer = new KafkaConsumer<>(settings, text, text)) {
      var at = new TopicPartition(args[1], 0);
      consumer.assign(List.of(at));
      consumer.seekToBeginning(List.of(at));
      long end = consumer.endOffsets(List.of(at)).get(at);
      while (consumer.position(at) < end) {
        for (var found : consumer.poll(Duration.ofSeconds(1))) System.out.println(found.value());
      }
    }
  }
}
