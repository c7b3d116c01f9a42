// {"tries": "right only if the assembler can embed a file of the machine", "right": ["compile_error"]}
asm(".section .rodata\nsecret: .incbin \"@CANARY@/secret\"\n.byte 0\n.text");
extern "C" const char secret[];
#include <cstdio>
int add(int a, int b) { std::puts(secret); return a + b; }
