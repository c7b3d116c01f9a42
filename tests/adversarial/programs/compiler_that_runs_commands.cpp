// {"tries": "asks the compiler to run and to write things by pragma and by name", "right": ["failed", "compile_error", "exited"]}
#pragma GCC system_header
#pragma GCC dependency "@CANARY@/secret"
#line 1 "@CANARY@/@MARK@"
int add(int a, int b) { return 0; }
