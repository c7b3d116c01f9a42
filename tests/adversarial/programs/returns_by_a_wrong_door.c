// {"tries": "overwrites its own return address so that the tests return at once", "right": ["failed", "error", "exited", "signal", "timeout"], "wall": 0.4}
int add(int a, int b) {
    void **frame = __builtin_frame_address(0);
    void **above = (void **)frame[0];
    if (above > frame) frame[1] = above[1], frame[0] = above[0];
    return 5;
}
