import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Prints the values of all committed records of a topic, as Java's client reads them. */
class ReadCommitted {
  public static void main(String[] args) {
    var settings = new HashMap<String, Object>();
    settings.put("bootstrap.servers", args[0]);
    settings.put("isolation.level", "read_committed");
    var text = new StringDeserializer();
    try (var consumer = new KafkaConsumer<>(settings, text, text)) {
      var all = new ArrayList<TopicPartition>();
      for (var one : consumer.partitionsFor(args[1])) all.add(new TopicPartition(args[1], one.partition()));
      consumer.assign(all);
      consumer.seekToBeginning(all);
      var ends = consumer.endOffsets(all);
      var values = new StringBuilder();
      while (all.stream().anyMatch(at -> consumer.position(at) < ends.get(at))) {
        for (var found : consumer.poll(Duration.ofSeconds(1))) values.append(found.value()).append('\n');
      }
      System.out.print(values);
    }
  }
}
