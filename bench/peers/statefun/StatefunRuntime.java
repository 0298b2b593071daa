import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.statefun.flink.core.StatefulFunctionsConfig;
import org.apache.flink.statefun.flink.core.StatefulFunctionsConfigValidator;
import org.apache.flink.statefun.flink.core.StatefulFunctionsJob;
import org.apache.flink.statefun.flink.core.StatefulFunctionsUniverseProvider;
import org.apache.flink.statefun.flink.core.spi.Modules;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Flink StateFun in one process: its own runtime on Flink's local mini cluster, with the state backend and the settings
 * of the project's container image. Words: the module's URL, a folder for checkpoints, the parallelism, the time
 * between checkpoints in ms.
 */
public final class StatefunRuntime {
  public static void main(String[] words) throws Exception {
    String module = words[0];
    String folder = words[1];
    int parallelism = Integer.parseInt(words[2]);
    String everyMs = words[3];

    Configuration flink =
        Configuration.fromMap(
            Map.ofEntries(
                Map.entry("statefun.remote.module-name", module),
                Map.entry("statefun.flink-job-name", "bench"),
                Map.entry("parallelism.default", Integer.toString(parallelism)),
                Map.entry("state.backend", "rocksdb"),
                Map.entry("state.backend.rocksdb.timer-service.factory", "ROCKSDB"),
                Map.entry("state.backend.incremental", "true"),
                Map.entry("state.checkpoints.dir", "file://" + folder),
                Map.entry("execution.checkpointing.interval", everyMs),
                Map.entry("execution.checkpointing.mode", "EXACTLY_ONCE"),
                Map.entry("execution.checkpointing.max-concurrent-checkpoints", "1"),
                Map.entry("restart-strategy", "fixed-delay"),
                Map.entry("restart-strategy.fixed-delay.attempts", "2147483647"),
                Map.entry("restart-strategy.fixed-delay.delay", "1 s"),
                // The benchmark lets it stand still while others are measured.
                Map.entry("heartbeat.timeout", "36000000"),
                Map.entry("akka.ask.timeout", "10 h"),
                Map.entry(
                    "classloader.parent-first-patterns.additional",
                    String.join(
                        ";",
                        StatefulFunctionsConfigValidator.PARENT_FIRST_CLASSLOADER_PATTERNS))));

    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(parallelism, flink);
    StatefulFunctionsConfig config = StatefulFunctionsConfig.fromFlinkConfiguration(flink);
    config.setProvider(
        (StatefulFunctionsUniverseProvider)
            (loader, settings) ->
                Modules.loadFromClassPath(settings).createStatefulFunctionsUniverse());
    StatefulFunctionsJob.main(environment, config);
  }
}
