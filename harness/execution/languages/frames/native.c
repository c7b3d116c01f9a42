/* The frame for native programs (C, C++, Rust): reads the secret before any code of the candidate runs, calls the
 * tests' main and then reports on descriptor 4 how it ended.
 *
 * Linked with --wrap=main, so that the C library starts __wrap_main, and the tests' own main is __real_main.
 * The secret is read from descriptor 3 at run time and is in no file. Until it is used it is stored masked, on a page
 * that may not be read.
 */
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECRET_BYTES 64
#define TEXT_BYTES 512
#define PAGE_BYTES 4096

int __real_main(int, char **, char **);

static unsigned char *page;
static unsigned long mask;

/* Not the library's wrappers: the candidate may define functions with their names. */
static long call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#else
    return syscall(number, a, b, c, d, e, f);
#endif
}

static void leave(int code) {
    for (;;)
        call(SYS_exit_group, code, 0, 0, 0, 0, 0);
}

static void take_secret(int count, char **words, char **environment) {
    long got, length = 0, place;
    (void)count, (void)words, (void)environment;
    place = call(SYS_mmap, 0, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place < 0 && place > -PAGE_BYTES)
        leave(99);
    page = (unsigned char *)place;
    while (length < SECRET_BYTES && (got = call(SYS_read, 3, (long)(page + length), SECRET_BYTES - length, 0, 0, 0)) > 0)
        length += got;
    call(SYS_close, 3, 0, 0, 0, 0, 0);
    call(SYS_getrandom, (long)&mask, sizeof mask, 0, 0, 0, 0);
    for (long i = 0; i < SECRET_BYTES; i++)
        page[i] ^= ((unsigned char *)&mask)[i % sizeof mask] + i;
    call(SYS_mprotect, (long)page, PAGE_BYTES, PROT_NONE, 0, 0, 0);
}

/* Runs before constructors, the candidate's and the libraries'. */
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = take_secret;

static long append(char *report, long length, const char *text) {
    for (long i = 0; text && text[i] && i < TEXT_BYTES; i++)
        report[length++] = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
    report[length++] = '\n';
    return length;
}

static void report_end(const char *ending, const char *kind, const char *message, unsigned long line) {
    char report[SECRET_BYTES + 4 * TEXT_BYTES], digits[24];
    long length = 0, sent = 0, got, at = sizeof digits - 1;
    call(SYS_mprotect, (long)page, PAGE_BYTES, PROT_READ | PROT_WRITE, 0, 0, 0);
    for (long i = 0; i < SECRET_BYTES; i++) {
        char byte = page[i] ^ (unsigned char)(((unsigned char *)&mask)[i % sizeof mask] + i);
        if (byte)
            report[length++] = byte;
    }
    report[length++] = '\n';
    length = append(report, length, ending);
    length = append(report, length, "call");
    length = append(report, length, kind);
    length = append(report, length, message);
    digits[at] = 0;
    do
        digits[--at] = '0' + line % 10;
    while (line /= 10);
    length = append(report, length, digits + at);
    while (sent < length && (got = call(SYS_write, 4, (long)(report + sent), length - sent, 0, 0, 0)) > 0)
        sent += got;
}

/* The candidate may call the functions below too: they can only report a failure. */
void harness_failed(unsigned long line) {
    report_end("failed", "assertion", "", line);
    leave(1);
}

void harness_error(const char *kind, const char *message) {
    report_end("error", kind, message, 0);
    leave(1);
}

/* An assertion of the candidate: the tests use another function. */
void __assert_fail(const char *text, const char *file, unsigned int line, const char *function) {
    (void)file, (void)line, (void)function;
    harness_error("assertion of its own", text);
    leave(1);
}

int __wrap_main(int count, char **words, char **environment) {
    int code = __real_main(count, words, environment);
    if (code == 0)
        report_end("passed", "", "", 0);
    else
        report_end("failed", "exit code of the tests", "not 0", 0);
    return code;
}
