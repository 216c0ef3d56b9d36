// SPDX-License-Identifier: Apache-2.0

import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

/** Listens for one connection and keeps what comes, in both directions if there is somebody behind it. */
final class Tap {
    private static final long PATIENCE = 60_000; // ms

    private final ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
    private final int behind; // port of who answers, 0 for nobody
    private final ByteArrayOutputStream there = new ByteArrayOutputStream();
    private final ByteArrayOutputStream back = new ByteArrayOutputStream();

    Tap(int behind) throws IOException {
        this.behind = behind;
        run(() -> {
            Socket s = listener.accept();
            if (behind == 0) {
                copy(s.getInputStream(), there, null);
                return;
            }
            Socket peer = new Socket("127.0.0.1", behind);
            peer.setTcpNoDelay(true);
            s.setTcpNoDelay(true);
            run(() -> copy(peer.getInputStream(), back, s.getOutputStream()));
            copy(s.getInputStream(), there, peer.getOutputStream());
        });
    }

    static int free() throws IOException {
        try (ServerSocket s = new ServerSocket(0)) {
            return s.getLocalPort();
        }
    }

    int port() {
        return listener.getLocalPort();
    }

    boolean relays() {
        return behind != 0;
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void run(Work w) {
        Thread t = new Thread(() -> {
            try {
                w.run();
            } catch (IOException e) {
                // the connection has ended
            }
        });
        t.setDaemon(true);
        t.start();
    }

    private static void copy(InputStream in, ByteArrayOutputStream keep, OutputStream to) throws IOException {
        byte[] b = new byte[1 << 16];
        for (int n = in.read(b); n >= 0; n = in.read(b)) {
            synchronized (keep) {
                keep.write(b, 0, n);
                keep.notifyAll();
            }
            if (to != null) {
                to.write(b, 0, n);
            }
        }
    }

    private byte[] kept() {
        synchronized (there) {
            return there.toByteArray();
        }
    }

    private interface Test {
        boolean of(byte[] b);
    }

    private void await(String what, Test t) throws Exception {
        long end = System.currentTimeMillis() + PATIENCE;
        synchronized (there) {
            while (!t.of(there.toByteArray())) {
                if (System.currentTimeMillis() > end) {
                    throw new IOException("not within a minute: " + what);
                }
                there.wait(1000);
            }
        }
    }

    /** Waits for a message that has this text as its last. */
    void until(String text) throws Exception {
        await(text, b -> new String(b, StandardCharsets.ISO_8859_1).contains(text));
        // What follows the value in the message comes with it, or in the same moment.
        for (int n = -1; n != kept().length; Thread.sleep(100)) {
            n = kept().length;
        }
    }

    /** Waits for so many frames. */
    void frames(int n) throws Exception {
        await(n + " frames", b -> {
            int at = 0;
            int have = 0;
            while (at + 4 <= b.length) {
                at += 4 + java.nio.ByteBuffer.wrap(b, at, 4).getInt();
                have += at <= b.length ? 1 : 0;
            }
            return have >= n;
        });
    }

    void write(Path out, String name) throws IOException {
        hex(out.resolve(name + ".c2s.hex"), kept());
        synchronized (back) {
            hex(out.resolve(name + ".s2c.hex"), back.toByteArray());
        }
    }

    /** Writes 32 bytes a line; nothing is no file. */
    static void hex(Path file, byte[] b) throws IOException {
        if (b.length == 0) {
            return;
        }
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < b.length; i++) {
            s.append(String.format("%02x", b[i])).append(i % 32 == 31 || i == b.length - 1 ? "\n" : "");
        }
        Files.write(file, Collections.singletonList(s.toString().trim()), StandardCharsets.US_ASCII);
    }
}
