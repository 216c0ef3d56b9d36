// SPDX-License-Identifier: Apache-2.0
package driver;

import java.util.ArrayList;
import java.util.List;

/**
 * What has arrived in this JVM. The peer's region keeps its elements in JCS's own LRU memory, extended
 * by one line (class Counting) that reports here: so arrivals are counted, and timed, without polling.
 */
public final class Arrivals {
    private static String run = "";
    private static long count;
    private static long last = System.nanoTime();
    private static List<Long> delays = new ArrayList<>();

    private Arrivals() {
    }

    public static synchronized void note(Object key, Object value) {
        String text = (String) value;
        if (text.startsWith(run)) { // what is late from an earlier run does not count
            count++;
            last = System.nanoTime();
        }
        if (key.toString().startsWith("lat")) {
            delays.add(Driver.wall() - Driver.stampOf(text));
        }
    }

    static synchronized void reset(String name) {
        run = name + ":";
        count = 0;
        last = System.nanoTime();
        delays = new ArrayList<>();
    }

    static synchronized long count() {
        return count;
    }

    /** Nanoseconds since the last arrival, or since reset. */
    static synchronized long quiet() {
        return System.nanoTime() - last;
    }

    static synchronized List<Long> delays() {
        return delays;
    }
}
