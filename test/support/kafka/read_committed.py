"""Prints the committed records of a topic as librdkafka reads them: [partition, key, value, headers], a line each.

Arguments: the broker, the topic, and its number of partitions.
"""

import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

broker, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])

consumer = Consumer({
    "bootstrap.servers": broker,
    "group.id": "read-committed",  # asked for, and not used: nothing is committed
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
})
consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in range(partitions)])


def text(data):
    return None if data is None else data.decode()


ended = set()
while len(ended) < partitions:
    message = consumer.poll(1)
    if message is None:
        continue
    if message.error() is None:
        headers = [[name, text(value)] for name, value in message.headers() or []]
        print(json.dumps([message.partition(), text(message.key()), text(message.value()), headers]))
    elif message.error().code() == KafkaError._PARTITION_EOF:
        ended.add(message.partition())
    else:
        raise KafkaException(message.error())
consumer.close()
