// {"tries": "threads until none can be made, then waits", "right": ["timeout", "memory", "error", "signal", "exited", "failed", "output_limit"], "wall": 1.0}
class Solution {
    public int add(int a, int b) {
        for (;;) { try { Thread thread = new Thread(() -> { for (;;) try { Thread.sleep(60000); } catch (Throwable t) { } }); thread.start(); } catch (Throwable t) { } }
    }
}
