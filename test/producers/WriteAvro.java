import java.io.BufferedReader;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;

/** Writes NDJSON as an Avro container: SCHEMA INPUT OUTPUT CODEC. */
public class WriteAvro {
  public static void main(String[] args) throws Exception {
    Schema schema = new Schema.Parser().parse(new File(args[0]));
    var mapper = new com.fasterxml.jackson.databind.ObjectMapper();
    try (DataFileWriter<GenericRecord> writer = new DataFileWriter<>(new GenericDatumWriter<>(schema));
        BufferedReader lines = Files.newBufferedReader(Path.of(args[1]))) {
      writer.setCodec(CodecFactory.fromString(args[3]));
      writer.create(schema, new File(args[2]));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        var record = new GenericData.Record(schema);
        var node = mapper.readTree(line);
        for (Schema.Field field : schema.getFields()) record.put(field.name(), valueOf(node.get(field.name()), field.schema()));
        writer.append(record);
      }
    }
  }

  private static Object valueOf(com.fasterxml.jackson.databind.JsonNode node, Schema schema) {
    if (node == null || node.isNull()) return null;
    Schema type = schema;
    if (schema.getType() == Schema.Type.UNION) type = schema.getTypes().get(1);
    switch (type.getType()) {
      case INT:
        return node.intValue();
      case FLOAT:
        return node.floatValue();
      case BOOLEAN:
        return node.booleanValue();
      case ARRAY:
        List<Object> items = new ArrayList<>();
        for (var item : node) items.add(item.textValue());
        return items;
      default:
        return node.textValue();
    }
  }
}
