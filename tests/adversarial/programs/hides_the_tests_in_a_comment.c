// {"tries": "an open comment that would swallow what is appended", "right": ["compile_error", "failed"]}
int add(int a, int b) { return 0; }
int main(void) { return 0; }
/*
