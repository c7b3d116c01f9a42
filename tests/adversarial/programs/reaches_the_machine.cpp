// {"tries": "right only if files, sockets or processes of the machine are in reach", "right": ["failed"]}
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
int add(int a, int b) {
    if (open("/etc/passwd", O_RDONLY) >= 0 || open("@CANARY@/secret", O_RDWR) >= 0) return a + b;
    if (open("@CANARY@/@MARK@", O_CREAT | O_RDWR, 0666) >= 0 || kill(@BYSTANDER@, 9) == 0) return a + b;
    sockaddr_in there{};
    there.sin_family = AF_INET, there.sin_port = htons(@PORT@), there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket(AF_INET, SOCK_STREAM, 0), (sockaddr *)&there, sizeof there) == 0) return a + b;
    return 0;
}
