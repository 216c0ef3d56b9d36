// SPDX-License-Identifier: Apache-2.0
package peers;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;

/**
 * One JVM of the comparison: answers the questions that protocol.go lists, one line each, until its
 * standard input ends. driver.go is the same for what is driven from Go; the two are kept alike, loop by loop.
 */
final class Driver {
    private static final long MS = 1_000_000L;
    private final Cache cache;
    private int[] last = new int[0]; // of write: what was put under each key, and returned
    private volatile long sink; // keeps reads from being optimised away

    private Driver(Cache cache) {
        this.cache = cache;
    }

    static void serve(Cache cache) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // what libraries print is no answer
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        Driver d = new Driver(cache);
        out.println("ready");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = d.answer(line.split(" "));
            } catch (Exception e) {
                e.printStackTrace();
                answer = "error " + e.toString().replace('\n', ' ');
            }
            out.println(answer);
        }
        Runtime.getRuntime().halt(0); // whatever threads the libraries still have
    }

    private String answer(String[] q) throws Exception {
        switch (q[0]) {
        case "fill":
            return fill(q[1], num(q, 2), num(q, 3), num(q, 4), num(q, 5), num(q, 6));
        case "settle":
            return settle(q);
        case "bulk":
            return bulk(num(q, 1), num(q, 2));
        case "prime":
            return prime(num(q, 1), num(q, 2));
        case "seed":
            return seed(num(q, 1), num(q, 2), num(q, 3));
        case "ready":
            return ready(num(q, 1), num(q, 2));
        case "paced":
            return paced(num(q, 1), num(q, 2), num(q, 3));
        case "poll":
            return poll(num(q, 1), num(q, 2), num(q, 3) == 1);
        case "gets":
            return gets(num(q, 1), num(q, 2), num(q, 3));
        case "heap":
            return heap();
        case "write":
            return write(q[1], num(q, 2), num(q, 3), num(q, 4), num(q, 5), num(q, 6), num(q, 7));
        case "last":
            return last();
        case "dump":
            return dump(num(q, 1));
        case "acked":
            return acked(q[1], num(q, 2));
        case "survive":
            return survive(num(q, 1));
        default:
            throw new IllegalArgumentException("unknown question " + q[0]);
        }
    }

    private static int num(String[] q, int i) {
        return Integer.parseInt(q[i]);
    }

    private static String key(int i) {
        return "user:" + (100_000_000 + i);
    }

    private static String padded(String head, int size) {
        return head + " " + "x".repeat(Math.max(0, size - head.length() - 1));
    }

    private static String head(String value) {
        return value == null ? "-" : value.substring(0, value.indexOf(' '));
    }

    /** The wall clock in nanoseconds: the one clock that Java and Go read alike in two processes. */
    private static long wall() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    private interface Work {
        long run(int thread) throws Exception;
    }

    private static long[] threads(int n, Work work) throws Exception {
        long[] out = new long[n];
        Exception[] failed = new Exception[n];
        Thread[] all = new Thread[n];
        for (int t = 0; t < n; t++) {
            int me = t;
            all[t] = new Thread(() -> {
                try {
                    out[me] = work.run(me);
                } catch (Exception e) {
                    failed[me] = e;
                }
            });
            all[t].start();
        }
        for (int t = 0; t < n; t++) {
            all[t].join();
            if (failed[t] != null) {
                throw failed[t];
            }
        }
        return out;
    }

    private String fill(String run, int threads, int keys, int size, int ms, int max) throws Exception {
        String[] names = new String[keys];
        for (int i = 0; i < keys; i++) {
            names[i] = key(i);
        }
        int per = keys / threads;
        String pad = "x".repeat(size);
        long began = System.nanoTime();
        long end = began + ms * MS;
        long[] n = threads(threads, t -> {
            int j = 0;
            for (; j < max / threads && System.nanoTime() < end; j++) {
                String head = run + ":" + j + " ";
                cache.put(names[t + threads * (j % per)], head + pad.substring(Math.min(size, head.length())));
            }
            return j;
        });
        StringBuilder b = new StringBuilder().append(System.nanoTime() - began);
        for (long x : n) {
            b.append(' ').append(x);
        }
        return b.toString();
    }

    /** The last that fill has put under a key, -1 if nothing. */
    private static long lastOf(int key, int threads, int keys, long n) {
        long per = keys / threads;
        long slot = key / threads;
        return slot >= n || slot >= per ? -1 : (n - 1 - slot) / per * per + slot;
    }

    private String settle(String[] q) throws Exception {
        String run = q[1];
        int threads = num(q, 2);
        int keys = num(q, 3);
        long began = System.nanoTime();
        long end = began + num(q, 5) * MS;
        boolean drops = num(q, 6) == 1;
        long progress = began;
        long good = 0;
        long total = 0;
        for (int k = 0; k < keys; k++) {
            long want = lastOf(k, threads, keys, Long.parseLong(q[7 + k % threads]));
            if (want < 0) {
                continue;
            }
            total++;
            String name = key(k);
            String head = run + ":" + want + " ";
            String v = cache.get(name);
            while (!fresh(v, head, drops) && System.nanoTime() < end && System.nanoTime() - progress < num(q, 4) * MS) {
                LockSupport.parkNanos(MS / 5);
                String before = v;
                v = cache.get(name);
                if (!Objects.equals(v, before)) {
                    progress = System.nanoTime(); // an earlier put: more is on its way
                }
            }
            if (fresh(v, head, drops)) {
                good++;
                progress = System.nanoTime();
            }
        }
        return good + " " + total + " " + (progress - began);
    }

    private static boolean fresh(String v, String head, boolean drops) {
        return v == null ? drops : v.startsWith(head);
    }

    private String bulk(int n, int size) throws Exception {
        long began = System.nanoTime();
        for (int i = 0; i < n;) {
            Map<String, String> some = new HashMap<>();
            for (int end = Math.min(n, i + 1000); i < end; i++) {
                some.put(key(i), padded("bulk:" + i, size));
            }
            cache.bulk(some);
        }
        return Long.toString(System.nanoTime() - began);
    }

    private String prime(int keys, int size) throws Exception {
        int found = 0;
        for (int i = 0; i < keys; i++) {
            cache.hold(key(i), padded("held:" + i, size));
            if (cache.get(key(i)) != null) {
                found++;
            }
        }
        return Integer.toString(found);
    }

    private String seed(int n, int size, int rate) throws Exception {
        long next = System.nanoTime();
        for (int i = 0; i < n; i++) {
            next += 1_000_000_000L / rate;
            for (long left = next - System.nanoTime(); left > 0; left = next - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            cache.put("hot" + i, padded("old:0", size));
        }
        return "ok";
    }

    private String ready(int n, int max) throws Exception {
        long end = System.nanoTime() + max * MS;
        int found = 0;
        for (int i = 0; i < n; i++) {
            cache.hold("hot" + i, "old:0 ");
            while (cache.get("hot" + i) == null && System.nanoTime() < end) {
                LockSupport.parkNanos(MS / 5);
            }
            if (cache.get("hot" + i) != null) {
                found++;
            }
        }
        return Integer.toString(found);
    }

    private String paced(int rate, int n, int size) throws Exception {
        StringBuilder b = new StringBuilder();
        long next = System.nanoTime();
        for (int i = 0; i < n; i++) {
            next += 1_000_000_000L / rate;
            for (long left = next - System.nanoTime(); left > 0; left = next - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            String value = padded("new:" + i, size);
            long began = wall();
            cache.put("hot" + i, value);
            b.append(began).append(' ').append(wall()).append(' ');
        }
        return b.toString();
    }

    private String poll(int n, int max, boolean drops) throws Exception {
        StringBuilder b = new StringBuilder();
        long end = System.nanoTime() + max * MS;
        for (int i = 0; i < n; i++) {
            String key = "hot" + i;
            long giveUp = Math.min(end, System.nanoTime() + 5_000 * MS);
            long stale = 0;
            long asked = wall();
            String v = cache.get(key);
            while (old(v, drops) && System.nanoTime() < giveUp) {
                stale = asked;
                LockSupport.parkNanos(MS / 50);
                asked = wall();
                v = cache.get(key);
            }
            b.append(stale).append(' ').append(old(v, drops) ? -1 : wall()).append(' ');
        }
        return b.toString();
    }

    private static boolean old(String v, boolean drops) {
        return v == null ? !drops : v.startsWith("old:");
    }

    private String gets(int threads, int keys, int ms) throws Exception {
        String[] names = new String[keys];
        for (int i = 0; i < keys; i++) {
            names[i] = key(i);
        }
        long[] missed = new long[threads];
        long began = System.nanoTime();
        long end = began + ms * MS;
        long[] done = threads(threads, t -> read(names, end, t, missed));
        long took = System.nanoTime() - began;
        long sum = 0;
        long lost = 0;
        for (int t = 0; t < threads; t++) {
            sum += done[t];
            lost += missed[t];
        }
        return sum + " " + took + " " + lost;
    }

    private long read(String[] names, long end, int me, long[] missed) throws Exception {
        int x = 0x9E3779B9 + me;
        long n = 0;
        long bytes = 0;
        while (System.nanoTime() < end) {
            for (int i = 0; i < 100; i++) {
                x ^= x << 13;
                x ^= x >>> 17;
                x ^= x << 5;
                String v = cache.get(names[(x >>> 1) % names.length]);
                if (v == null) {
                    missed[me]++;
                } else {
                    bytes += v.length();
                }
            }
            n += 100;
        }
        sink += bytes;
        return n;
    }

    private static String heap() throws Exception {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return Long.toString(ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }

    private String write(String run, int keys, int rate, int ms, int size, int every, int from) {
        last = new int[keys];
        java.util.Arrays.fill(last, -1);
        int x = 0x9E3779B9 + run.hashCode();
        int puts = 0;
        int errors = 0;
        long longest = 0;
        long began = System.nanoTime();
        long end = began + ms * MS;
        for (int i = 0; System.nanoTime() < end; i++) {
            x ^= x << 13;
            x ^= x >>> 17;
            x ^= x << 5;
            int k = (x >>> 1) % (keys / every) * every + from;
            long at = System.nanoTime();
            try {
                cache.put(key(k), padded(run + ":" + i, size));
                last[k] = i;
                puts++;
            } catch (Exception e) {
                errors++;
            }
            longest = Math.max(longest, System.nanoTime() - at);
            LockSupport.parkNanos(1_000_000_000L / rate);
        }
        return puts + " " + errors + " " + longest;
    }

    private String last() {
        StringBuilder b = new StringBuilder();
        for (int x : last) {
            b.append(x).append(' ');
        }
        return b.toString();
    }

    private String dump(int keys) throws Exception {
        StringBuilder b = new StringBuilder();
        for (int k = 0; k < keys; k++) {
            b.append(head(cache.get(key(k)))).append(' ');
        }
        return b.toString();
    }

    /** Puts until it is killed; the file has how many of them have returned. */
    private String acked(String file, int size) throws Exception {
        RandomAccessFile f = new RandomAccessFile(file, "rw");
        Thread t = new Thread(() -> {
            try {
                for (long i = 0;; i++) {
                    cache.put("ack" + i, padded("ack:" + i, size));
                    f.seek(0);
                    f.writeLong(i + 1);
                }
            } catch (Exception e) {
                e.printStackTrace();
            }
        });
        t.setDaemon(true);
        t.start();
        return "ok";
    }

    private String survive(int n) throws Exception {
        int missing = 0;
        for (int i = 0; i < n; i++) {
            if (!head(cache.get("ack" + i)).equals("ack:" + i)) {
                missing++;
            }
        }
        return Integer.toString(missing);
    }
}
