/* The limit for a server that sends each message on its own: epoll, one send() per message and member, no checks.
   A room is a path. Frames of clients must fit into one read buffer; nothing is stored. Usage: raw PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536, ROOM = 1024, BUFFER = 65536 };

struct room { char path[256]; int size; int members[ROOM]; };
struct peer { struct room *room; size_t used; unsigned char *buffer; };

static struct peer peers[MOST];
static struct room *rooms[MOST];
static int room_count;

static uint32_t rol(uint32_t x, int n) { return x << n | x >> (32 - n); }

/* SHA-1 of at most 119 bytes. */
static void sha1(const char *text, size_t size, unsigned char out[20]) {
    unsigned char block[128] = {0};
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    size_t total = size + 9 <= 64 ? 64 : 128;
    memcpy(block, text, size);
    block[size] = 0x80;
    block[total - 2] = (unsigned char)(size * 8 >> 8);
    block[total - 1] = (unsigned char)(size * 8);
    for (size_t at = 0; at < total; at += 64) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 16; i++) { memcpy(&w[i], block + at + 4 * i, 4); w[i] = ntohl(w[i]); }
        for (int i = 16; i < 80; i++) w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t f, k;
            if (i < 20) { f = (b & c) | (~b & d); k = 0x5A827999; }
            else if (i < 40) { f = b ^ c ^ d; k = 0x6ED9EBA1; }
            else if (i < 60) { f = (b & c) | (b & d) | (c & d); k = 0x8F1BBCDC; }
            else { f = b ^ c ^ d; k = 0xCA62C1D6; }
            uint32_t t = rol(a, 5) + f + e + k + w[i];
            e = d; d = c; c = rol(b, 30); b = a; a = t;
        }
        h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e;
    }
    for (int i = 0; i < 5; i++) { uint32_t v = htonl(h[i]); memcpy(out + 4 * i, &v, 4); }
}

static void base64(const unsigned char in[20], char out[29]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char padded[21] = {0};
    memcpy(padded, in, 20);
    for (int i = 0, o = 0; i < 21; i += 3, o += 4) {
        uint32_t v = (uint32_t)padded[i] << 16 | (uint32_t)padded[i + 1] << 8 | padded[i + 2];
        for (int j = 0; j < 4; j++) out[o + j] = digits[v >> (18 - 6 * j) & 63];
    }
    out[27] = '=';
    out[28] = 0;
}

static void leave(int fd) {
    struct room *room = peers[fd].room;
    for (int i = 0; room && i < room->size; i++)
        if (room->members[i] == fd) { room->members[i] = room->members[--room->size]; break; }
    free(peers[fd].buffer);
    memset(&peers[fd], 0, sizeof peers[fd]);
    close(fd);
}

static struct room *room_of(const char *path) {
    for (int i = 0; i < room_count; i++) if (!strcmp(rooms[i]->path, path)) return rooms[i];
    struct room *room = calloc(1, sizeof *room);
    if (!room || room_count == MOST) exit(1);
    snprintf(room->path, sizeof room->path, "%s", path);
    return rooms[room_count++] = room;
}

/* Bytes written to `out`; everything is sent at once or the member is too slow and the run is void. */
static size_t frame(unsigned char *out, const unsigned char *payload, size_t size) {
    size_t head = size < 126 ? 2 : 4;
    out[0] = 0x81;
    out[1] = size < 126 ? (unsigned char)size : 126;
    if (head == 4) { out[2] = (unsigned char)(size >> 8); out[3] = (unsigned char)size; }
    memcpy(out + head, payload, size);
    return head + size;
}

static void upgrade(int fd, struct peer *peer) {
    static const char hello[] = "{\"type\":\"connected\"}";
    char path[256], key[128], text[256], accept[29], *found;
    unsigned char digest[20], out[64];
    peer->buffer[peer->used] = 0;
    if (!strstr((char *)peer->buffer, "\r\n\r\n")) return;
    found = strstr((char *)peer->buffer, "Sec-WebSocket-Key: ");
    if (!found || sscanf((char *)peer->buffer, "GET %255s", path) != 1 || sscanf(found + 19, "%60s", key) != 1) exit(1);
    strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    sha1(key, strlen(key), digest);
    base64(digest, accept);
    int size = snprintf(text, sizeof text, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    if (send(fd, text, (size_t)size, MSG_NOSIGNAL) < 0) return;
    send(fd, out, frame(out, (const unsigned char *)hello, sizeof hello - 1), MSG_NOSIGNAL);
    peer->used = 0;
    peer->room = room_of(path);
    if (peer->room->size == ROOM) exit(1);
    peer->room->members[peer->room->size++] = fd;
}

static void relay(int fd, struct peer *peer) {
    static unsigned char out[BUFFER];
    size_t at = 0;
    while (peer->used - at >= 6) {
        unsigned char *in = peer->buffer + at;
        size_t size = in[1] & 127, head = 2;
        if (size == 127) exit(1);
        if (size == 126) { size = (size_t)in[2] << 8 | in[3]; head = 4; }
        if (head + 4 + size > BUFFER) exit(1);
        if (peer->used - at < head + 4 + size) break;
        for (size_t i = 0; i < size; i++) in[head + 4 + i] ^= in[head + (i & 3)];
        if ((in[0] & 15) == 1) {
            size_t whole = frame(out, in + head + 4, size);
            for (int i = 0; i < peer->room->size; i++)
                if (send(peer->room->members[i], out, whole, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)whole)
                    fprintf(stderr, "a member of %d's room is too slow\n", fd);
        }
        at += head + 4 + size;
    }
    memmove(peer->buffer, peer->buffer + at, peer->used -= at);
}

int main(int argc, char **argv) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ready[256], wish = {.events = EPOLLIN};
    int on = 1, listening = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
    here.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (struct sockaddr *)&here, sizeof here) || listen(listening, 1024)) return perror("listen"), 1;
    wish.data.fd = listening;
    epoll_ctl(poll, EPOLL_CTL_ADD, listening, &wish);
    for (;;) {
        int count = epoll_wait(poll, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd == listening) {
                int fresh = accept4(listening, 0, 0, SOCK_NONBLOCK);
                if (fresh < 0) continue;
                if (fresh >= MOST || !(peers[fresh].buffer = malloc(BUFFER))) return 1;
                setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                wish.data.fd = fresh;
                epoll_ctl(poll, EPOLL_CTL_ADD, fresh, &wish);
                continue;
            }
            struct peer *peer = &peers[fd];
            ssize_t got = recv(fd, peer->buffer + peer->used, BUFFER - 1 - peer->used, 0);
            if (got <= 0) { leave(fd); continue; }
            peer->used += (size_t)got;
            if (peer->room) relay(fd, peer); else upgrade(fd, peer);
        }
    }
}
