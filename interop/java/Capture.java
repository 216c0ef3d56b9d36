// SPDX-License-Identifier: Apache-2.0

import java.io.*;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Writes down what a node of an unmodified JCS sends, and what another answers, with an index of what
 * each message was to say: java Capture ROOT OUT WORK CLASSPATH. The class path is that of Driver, with
 * WORK/a before it, into which the node's cache.ccf is put; the other node is a JVM of its own below
 * WORK/b. To be run where multicast leaves no machine.
 */
public final class Capture {
    private final String root;
    private final Path out;
    private final Path work;
    private final Driver driver;
    private final List<String> index = new ArrayList<>();
    private final Map<String, Integer> counts = new HashMap<>(); // of messages, by file
    private final Map<String, Tap> taps = new LinkedHashMap<>(); // by auxiliary

    private Capture(String root, Path out, Path work) {
        this.root = root;
        this.out = out;
        this.work = work;
        this.driver = new Driver(root, null);
    }

    public static void main(String[] args) throws Exception {
        Logger.getLogger("").setLevel(Level.SEVERE);
        Capture c = new Capture(args[0], Paths.get(args[1]), Paths.get(args[2]));
        Process peer = c.peer(args[3]);
        try {
            c.configure();
            c.puts();
            c.removals();
            c.questions();
            if (c.young()) {
                c.serializers();
            }
            c.datagrams();
        } finally {
            peer.destroyForcibly();
        }
        Files.write(c.out.resolve("index.tsv"), c.index, StandardCharsets.US_ASCII);
        Runtime.getRuntime().halt(0);
    }

    private boolean young() {
        return root.endsWith("jcs3");
    }

    /** The node that answers. */
    private Process peer(String classes) throws Exception {
        Path dir = Files.createDirectories(work.resolve("b"));
        int port = Tap.free();
        Settings s = new Settings(root);
        s.auxiliary("LTCP", port, 0);
        for (String region : Arrays.asList("hit", "miss", "matching", "keyset")) {
            s.region(region, "LTCP");
        }
        s.write(dir);
        Process p = new ProcessBuilder("java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", dir + File.pathSeparator + classes, "Driver", root)
            .redirectError(dir.resolve("log").toFile()).start();
        BufferedReader in = new BufferedReader(new InputStreamReader(p.getInputStream(), StandardCharsets.UTF_8));
        PrintStream to = new PrintStream(p.getOutputStream(), true, "UTF-8");
        in.readLine(); // ready
        for (String q : Arrays.asList("put hit s:there s:value", "put hit i:9 map:one%3D1,two%3D2", "put matching s:user:1 s:one", "put matching s:user:2 s:two",
            "put matching s:other s:three", "put keyset s:user:1 s:one", "put keyset s:user:2 s:two")) {
            to.println(q);
            if (!"ok".equals(in.readLine())) {
                throw new IOException("the node that is to answer does not: " + q);
            }
        }
        for (String name : Arrays.asList("hit", "miss", "matching", "keyset")) {
            taps.put(name, new Tap(port));
        }
        return p;
    }

    /** One JVM, with an auxiliary and so a connection for each file. */
    private void configure() throws Exception {
        Settings s = new Settings(root);
        int listener = Tap.free();
        for (String name : Arrays.asList("puts", "removals", "compressing", "ecb", "gcm")) {
            taps.put(name, new Tap(0));
        }
        for (Map.Entry<String, Tap> t : taps.entrySet()) {
            String name = t.getKey();
            if (name.length() == 3 && !name.equals("hit") || name.equals("compressing")) {
                if (!young()) {
                    continue;
                }
                s.serializer(name);
            }
            s.auxiliary(name, listener, t.getValue().port());
            s.set(name, "IssueRemoveOnPut", Boolean.toString(name.equals("removals")));
            s.set(name, "PutOnlyMode", Boolean.toString(t.getValue().relays() == false));
            if (!name.equals("puts")) {
                s.region(name, name);
            }
        }
        s.region("alpha", "puts");
        s.region("beta", "puts");
        s.discovery("puts");
        s.write(work.resolve("a"));
        Datagrams.listen(root);
        driver.access("alpha");
    }

    /** Notes what one more message of a file is to say. */
    private void note(String file, String what) {
        index.add(file + "\t" + counts.merge(file, 1, Integer::sum) + "\t" + what);
    }

    private void put(String region, Object key, Object value) throws Exception {
        Driver.call(driver.access(region), "put", key, value);
        note("puts.c2s", "UPDATE " + region + " " + Literal.of(key) + " = " + Literal.of(value) + " [default]");
    }

    private void puts() throws Exception {
        put("alpha", "key1", "value1");
        int n = 0;
        for (Object v : Literal.values()) {
            put("alpha", "value" + n++, v);
        }
        for (Object k : Literal.keys()) {
            put("alpha", k, "of a key");
        }
        other("beta", 1);
        other("alpha", 2);
        Object attr = Driver.call(driver.access("alpha"), "getDefaultElementAttributes");
        Driver.call(attr, "setIsEternal", false);
        Driver.call(attr, "setIsSpool", false);
        Driver.call(attr, "setIsRemote", false);
        Driver.call(attr, driver.old() ? "setMaxLifeSeconds" : "setMaxLife", 60L);
        Driver.call(attr, "setIdleTime", 30L);
        Driver.call(driver.access("alpha"), "put", "ttl", "v", attr);
        note("puts.c2s", "UPDATE alpha s:ttl = s:v [life 60 idle 30]");
        grouped();
        remove("alpha", "key1");
        remove("alpha", "never there");
        remove("alpha", 7);
        remove("alpha", "a:b:"); // all that begin with it
        Driver.call(driver.access("alpha"), "clear");
        note("puts.c2s", "REMOVEALL alpha s:ALL");
        other("beta", 3);
        for (int i = 0; i < 150; i++) { // JCS 1.3 resets its stream after each 70 messages, 2 never
            put("beta", "same", "n" + i);
        }
        other("alpha", 4);
        put("alpha", "last", "the end");
        taps.get("puts").until("the end");
        try {
            put("alpha", "null", null);
            throw new IllegalStateException("JCS takes null");
        } catch (java.lang.reflect.InvocationTargetException e) {
            // it refuses: a null is never sent
        }
        taps.get("puts").write(out, "puts");
    }

    /** Goes on in another region when all of this one has arrived: each has a queue of its own. */
    private void other(String region, int n) throws Exception {
        put(region.equals("alpha") ? "beta" : "alpha", "switch", "to" + n);
        taps.get("puts").until("to" + n);
    }

    private void remove(String region, Object key) throws Exception {
        Driver.call(driver.access(region), "remove", key);
        note("puts.c2s", "REMOVE " + region + " " + Literal.of(key));
    }

    private void grouped() throws Exception {
        for (Object[] e : new Object[][]{{"g", "user", "bob"}, {"g", "mail", "bob@x"}, {"h", 3, 33}}) {
            Driver.call(driver.groups("alpha"), "putInGroup", e[1], e[0], e[2]);
            if (driver.old()) { // which removes before
                note("puts.c2s", "REMOVE alpha " + e[0] + "/" + Literal.of(e[1]));
            }
            note("puts.c2s", "UPDATE alpha " + e[0] + "/" + Literal.of(e[1]) + " = " + Literal.of(e[2]) + " [default]");
        }
        Driver.call(driver.groups("alpha"), driver.old() ? "remove" : "removeFromGroup", "user", "g");
        note("puts.c2s", "REMOVE alpha g/s:user");
        Driver.call(driver.groups("alpha"), "invalidateGroup", "g");
        note("puts.c2s", "REMOVE alpha g/*");
    }

    /** IssueRemoveOnPut: a put is a removal with a hash. */
    private void removals() throws Exception {
        int n = 0;
        for (Object v : Arrays.asList("same", "", 42, -1, 9000000000L, true, new Date(86400000), new ArrayList<>(Arrays.asList("a", "b")), new BigDecimal("2.5"), "last")) {
            String key = "last".equals(v) ? "the end" : "k" + n++; // the value does not travel
            Driver.call(driver.access("removals"), "put", key, v);
            note("removals.c2s", "REMOVE removals " + Literal.of(key) + (v.hashCode() == -1 ? "" : " hash " + v.hashCode()));
        }
        taps.get("removals").until("the end");
        taps.get("removals").write(out, "removals");
    }

    private void questions() throws Exception {
        ask("hit", "there", "value");
        if (!root.equals("org.apache.commons.jcs")) { // which closes the connection after one answer
            Map<String, String> m = new HashMap<>();
            m.put("one", "1");
            m.put("two", "2");
            ask("hit", 9, m);
        }
        Driver.call(driver.access("miss"), "get", "nowhere");
        note("miss.c2s", "GET miss s:nowhere");
        if (driver.old()) { // later ones do not answer
            note("miss.s2c", "null");
        }
        if (!driver.old()) {
            Driver.call(driver.access("matching"), "getMatching", "user.*");
            note("matching.c2s", "GET_MATCHING matching s:user.*");
            note("matching.s2c", "map of s:user:1 s:user:2");
            Driver.call(Driver.call(driver.manager(), "getCache", "keyset"), "getKeySet", false);
            note("keyset.c2s", "GET_KEYSET keyset");
            note("keyset.s2c", "set of s:user:1 s:user:2");
        }
        for (String name : Arrays.asList("hit", "miss", "matching", "keyset").subList(0, driver.old() ? 2 : 4)) {
            taps.get(name).write(out, name);
        }
    }

    private void ask(String region, Object key, Object value) throws Exception {
        Object got = Driver.call(driver.access(region), "get", key);
        if (!value.equals(got)) {
            throw new IllegalStateException("a get answers " + got);
        }
        note("hit.c2s", "GET " + region + " " + Literal.of(key));
        note("hit.s2c", region + " " + Literal.of(key) + " = " + Literal.of(value));
    }

    private void serializers() throws Exception {
        for (String name : Arrays.asList("compressing", "ecb", "gcm")) {
            String file = "serializer_" + (name.equals("compressing") ? "" : "encrypting_") + name;
            for (String v : Arrays.asList("value1", "value2")) {
                Driver.call(driver.access(name), "put", "key1", v);
                note(file + ".c2s", "UPDATE " + name + " s:key1 = s:" + v + " [default]");
            }
            taps.get(name).frames(2);
            taps.get(name).write(out, file);
        }
    }

    private void datagrams() throws Exception {
        Datagrams.ask(root);
        Datagrams.until("PASSIVE alpha beta");
        Driver.call(driver.manager(), "shutDown"); // JCS 1.3 leaves without a word
        for (String says : Arrays.asList("REQUEST", "PASSIVE alpha beta", "REMOVE alpha beta").subList(0, driver.old() ? 2 : 3)) {
            String file = "udp_" + says.toLowerCase(Locale.ROOT).replace(' ', '_');
            Datagrams.until(says);
            Tap.hex(out.resolve(file + ".hex"), Datagrams.get(says));
            note(file, says);
        }
    }
}
