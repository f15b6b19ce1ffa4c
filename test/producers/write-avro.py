"""Writes NDJSON as an Avro container: SCHEMA INPUT OUTPUT CODEC."""

import json
import sys

import avro.schema
from avro.datafile import DataFileWriter
from avro.io import DatumWriter

schema_path, source, target, codec = sys.argv[1:]
with open(schema_path, encoding="utf-8") as file:
    schema = avro.schema.parse(file.read())
with DataFileWriter(open(target, "wb"), DatumWriter(), schema, codec=codec) as writer:
    with open(source, encoding="utf-8") as lines:
        for line in lines:
            writer.append(json.loads(line))
