// {"tries": "recursion to the end of the stack", "right": ["signal"]}
int add(int a, int b) { volatile char room[4096]; room[0] = (char)a; return add(a + room[0], b) + room[1]; }
