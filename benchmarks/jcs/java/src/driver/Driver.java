// SPDX-License-Identifier: Apache-2.0
package driver;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/**
 * One JVM of the comparison: answers the questions that protocol.go lists, one line each, until its
 * standard input ends. lateral.go is the same for Lateral; the two are kept alike, loop by loop.
 */
public final class Driver {
    private static final long MS = 1_000_000L;
    private final Region region;
    private final AtomicLong beats = new AtomicLong();
    private volatile long sink; // keeps the reads of gets from being optimised away

    private Driver(Region region) {
        this.region = region;
    }

    /** Answers until standard input ends, then ends the JVM, whatever threads JCS still has. */
    public static void serve(Region region) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // what libraries print is no answer
        // Both generations log every hundredth message at INFO; nobody would run them so for speed.
        Logger.getLogger("").setLevel(Level.WARNING);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        Driver d = new Driver(region);
        out.println("ready");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = d.answer(line.split(" "));
            } catch (Exception e) {
                e.printStackTrace();
                answer = "error " + e;
            }
            out.println(answer);
        }
        Runtime.getRuntime().halt(0);
    }

    private String answer(String[] q) throws Exception {
        switch (q[0]) {
        case "fill":
            return fill(q[1], Integer.parseInt(q[2]), Integer.parseInt(q[3]), Integer.parseInt(q[4]));
        case "reset":
            Arrivals.reset(q[1]);
            return "ok";
        case "arrived":
            return arrived(Long.parseLong(q[1]), Long.parseLong(q[2]), Long.parseLong(q[3]));
        case "check":
            return check(q[1], Integer.parseInt(q[2]), Integer.parseInt(q[3]));
        case "paced":
            return paced(Integer.parseInt(q[1]), Integer.parseInt(q[2]), Integer.parseInt(q[3]));
        case "poll":
            return poll(Integer.parseInt(q[1]), Long.parseLong(q[2]));
        case "told":
            return join(Arrivals.delays());
        case "gets":
            return gets(Integer.parseInt(q[1]), Integer.parseInt(q[2]), Long.parseLong(q[3]));
        case "beat":
            beat();
            return "ok";
        case "beats":
            return Long.toString(beats.get());
        case "has":
            region.put(q[1], q[1]);
            return "ok";
        case "one":
            return one(q[1]);
        case "await":
            return await(Long.parseLong(q[1]), Long.parseLong(q[2]));
        default:
            throw new IllegalArgumentException("unknown question " + q[0]);
        }
    }

    private static String key(int i) {
        return String.format("user:%08d", i);
    }

    private static String[] keys(int n) {
        String[] keys = new String[n];
        for (int i = 0; i < n; i++) {
            keys[i] = key(i);
        }
        return keys;
    }

    private static String padded(String head, int size) {
        return head + "x".repeat(Math.max(0, size - head.length()));
    }

    /** The wall clock in nanoseconds: the one clock that Java and Go read alike in two processes. */
    static long wall() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    static long stampOf(String value) {
        return Long.parseLong(value.substring(0, value.indexOf(' ')));
    }

    private String fill(String run, int puts, int keys, int size) throws Exception {
        String[] names = keys(keys);
        String[] values = new String[puts];
        for (int i = 0; i < puts; i++) {
            values[i] = padded(run + ":" + i + " ", size);
        }
        long began = System.nanoTime();
        for (int i = 0; i < puts; i++) {
            region.put(names[i % keys], values[i]);
        }
        return Long.toString(System.nanoTime() - began);
    }

    private static String arrived(long want, long quiet, long max) {
        long end = System.nanoTime() + max * MS;
        while (Arrivals.count() < want && Arrivals.quiet() < quiet * MS && System.nanoTime() < end) {
            LockSupport.parkNanos(MS);
        }
        return Arrivals.count() + " " + Arrivals.quiet();
    }

    private String check(String run, int puts, int keys) throws Exception {
        int good = 0;
        for (int k = 0; k < keys; k++) {
            int last = (puts - 1 - k) / keys * keys + k;
            String v = region.get(key(k));
            if (v != null && v.startsWith(run + ":" + last + " ")) {
                good++;
            }
        }
        return Integer.toString(good);
    }

    private String paced(int rate, int puts, int size) throws Exception {
        long next = System.nanoTime();
        for (int i = 0; i < puts; i++) {
            next += 1_000_000_000L / rate;
            for (long left = next - System.nanoTime(); left > 0; left = next - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            region.put("lat" + i, padded(wall() + " ", size));
        }
        return "ok";
    }

    private String poll(int puts, long max) throws Exception {
        long[] delays = new long[puts];
        long end = System.nanoTime() + max * MS;
        for (int i = 0; i < puts; i++) {
            long giveUp = Math.min(end, System.nanoTime() + 5_000 * MS);
            String v = region.get("lat" + i);
            for (; v == null && System.nanoTime() < giveUp; v = region.get("lat" + i)) {
                LockSupport.parkNanos(MS / 20);
            }
            delays[i] = v == null ? -1 : wall() - stampOf(v);
        }
        return java.util.Arrays.stream(delays).mapToObj(Long::toString).collect(Collectors.joining(" "));
    }

    private static String join(List<Long> delays) {
        return delays.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }

    private String gets(int threads, int keys, long ms) throws Exception {
        String[] names = keys(keys);
        long[] done = new long[threads];
        long[] missed = new long[threads];
        Thread[] all = new Thread[threads];
        long began = System.nanoTime();
        long end = began + ms * MS;
        for (int t = 0; t < threads; t++) {
            int me = t;
            all[t] = new Thread(() -> {
                try {
                    read(names, end, me, done, missed);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            all[t].start();
        }
        long sumDone = 0;
        long sumMissed = 0;
        for (int t = 0; t < threads; t++) {
            all[t].join();
            sumDone += done[t];
            sumMissed += missed[t];
        }
        return sumDone + " " + (System.nanoTime() - began) + " " + sumMissed;
    }

    private void read(String[] names, long end, int me, long[] done, long[] missed) throws Exception {
        int x = 0x9E3779B9 + me;
        long n = 0;
        long lost = 0;
        long bytes = 0;
        while (System.nanoTime() < end) {
            for (int i = 0; i < 1000; i++) {
                x ^= x << 13;
                x ^= x >>> 17;
                x ^= x << 5;
                String v = region.get(names[(x >>> 1) % names.length]);
                if (v == null) {
                    lost++;
                } else {
                    bytes += v.length();
                }
            }
            n += 1000;
        }
        sink += bytes;
        done[me] = n;
        missed[me] = lost;
    }

    private void beat() {
        Thread t = new Thread(() -> {
            while (true) {
                try {
                    region.put("beat", Long.toString(beats.incrementAndGet()));
                } catch (Exception e) {
                    e.printStackTrace();
                }
                LockSupport.parkNanos(10 * MS);
            }
        });
        t.setDaemon(true);
        t.start();
    }

    /** What one get takes, and whether it found something. */
    private String one(String key) throws Exception {
        long began = System.nanoTime();
        String v = region.get(key);
        return (System.nanoTime() - began) + " " + (v == null ? 0 : 1);
    }

    private String await(long seq, long max) throws Exception {
        for (long end = System.nanoTime() + max * MS; System.nanoTime() < end; LockSupport.parkNanos(MS)) {
            String v = region.get("beat");
            if (v != null && Long.parseLong(v) > seq) {
                return "yes";
            }
        }
        return "never";
    }
}
