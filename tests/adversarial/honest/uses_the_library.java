// {"tries": "collections, streams, threads, files, records and output", "right": ["passed"]}
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
class Solution {
    record Point(int x, int y) { }
    public int add(int a, int b) {
        assert new Point(1, 2).equals(new Point(1, 2));
        System.out.println("x".repeat(100000));
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            java.nio.file.Files.writeString(java.nio.file.Path.of("note"), "" + a);
            int read = Integer.parseInt(java.nio.file.Files.readString(java.nio.file.Path.of("note")));
            return pool.submit(() -> IntStream.of(read, b).boxed().collect(Collectors.summingInt(x -> x))).get();
        } catch (Exception error) { throw new RuntimeException(error); }
        finally { pool.shutdown(); }
    }
}
