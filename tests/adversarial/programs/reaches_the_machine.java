// {"tries": "right only if files, sockets or processes of the machine are in reach", "right": ["failed", "error"]}
import java.nio.file.*;
class Solution {
    interface Try { void now() throws Exception; }
    public int add(int a, int b) {
        Try[] tried = {
            () -> Files.readAllBytes(Path.of("/etc/passwd")),
            () -> Files.readAllBytes(Path.of("@CANARY@/secret")),
            () -> Files.writeString(Path.of("@CANARY@/@MARK@"), "x"),
            () -> new java.net.Socket("127.0.0.1", @PORT@),
            () -> { if (!ProcessHandle.of(@BYSTANDER@).get().destroyForcibly()) throw new Exception(); },
        };
        for (Try one : tried) try { one.now(); return a + b; } catch (Throwable refused) { continue; }
        return 0;
    }
}
