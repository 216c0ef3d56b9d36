// SPDX-License-Identifier: Apache-2.0

import java.io.*;
import java.lang.reflect.Proxy;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;

/** Writes the golden streams of this directory: java Golden.java java */
public class Golden {
    enum Level { LOW, HIGH { void f() {} } }

    static class Base implements Serializable {
        private static final long serialVersionUID = 1;
        int a = 1;
        String s = "base";
    }

    static class Derived extends Base {
        private static final long serialVersionUID = 2;
        boolean z = true; byte b = -2; char c = '\u20ac'; short h = -300; int i = 7; long j = -8L; float f = 1.5f; double d = -0.0;
        Object self = this;
        int[][] grid = {{1, 2}, {}, null};
        boolean[] flags = {true, false};
        char[] chars = {'a', '\u6f22'};
        double[] doubles = {1.0, Double.NaN};
    }

    static class Custom implements Serializable {
        private static final long serialVersionUID = 3;
        int kept = 5;
        private void writeObject(ObjectOutputStream o) throws IOException {
            o.defaultWriteObject();
            o.write(new byte[3000]); // more than one block
            o.writeObject("between");
            o.writeInt(9);
        }
    }

    public static class External implements Externalizable {
        private static final long serialVersionUID = 4;
        public void writeExternal(ObjectOutput o) throws IOException { o.writeUTF("mine"); o.writeObject(List.of(1, 2)); }
        public void readExternal(ObjectInput i) { }
    }

    static class Broken implements Serializable {
        private static final long serialVersionUID = 5;
        Object thread = new Object(); // not serializable
    }

    static class Handler implements java.lang.reflect.InvocationHandler, Serializable {
        private static final long serialVersionUID = 6;
        public Object invoke(Object p, java.lang.reflect.Method m, Object[] a) { return null; }
    }

    static Path out;

    interface Writer { void write(ObjectOutputStream o) throws Exception; }

    static void write(String name, Writer w) throws Exception {
        ByteArrayOutputStream b = new ByteArrayOutputStream();
        try (ObjectOutputStream o = new ObjectOutputStream(b)) { w.write(o); }
        StringBuilder hex = new StringBuilder();
        byte[] all = b.toByteArray();
        for (int i = 0; i < all.length; i++) {
            hex.append(String.format("%02x", all[i]));
            if (i % 32 == 31 || i == all.length - 1) hex.append('\n');
        }
        Files.writeString(out.resolve(name + ".hex"), hex);
    }

    static void value(String name, Object v) throws Exception { write(name, o -> o.writeObject(v)); }

    public static void main(String[] args) throws Exception {
        out = Path.of(args[0]);
        Files.createDirectories(out);
        value("derived", new Derived());
        value("custom", new Custom());
        value("external", new External());
        value("enums", new Object[]{Level.LOW, Level.HIGH, Level.LOW, Thread.State.NEW});
        value("classes", new Object[]{String.class, int.class, int[].class, Level.class, Base.class});
        value("proxy", Proxy.newProxyInstance(Golden.class.getClassLoader(), new Class<?>[]{Comparable.class, Runnable.class}, new Handler()));
        value("lists", new Object[]{new ArrayList<>(List.of(1, "two")), new LinkedList<>(List.of(1L)), new ArrayDeque<>(List.of("d")), List.of(), List.of(1),
            List.of(1, 2, 3), Arrays.asList(1, null), Collections.emptyList(), Collections.singletonList("one")});
        Map<String, Integer> hash = new HashMap<>(); Map<Object, Object> linked = new LinkedHashMap<>(), tree = new TreeMap<>();
        hash.put("one", 1); linked.put("b", 1L); linked.put("a", 2.5); tree.put("x", true); tree.put("y", null);
        value("maps", new Object[]{hash, linked, tree, new Hashtable<>(hash), new ConcurrentHashMap<>(hash), Map.of("k", "v"), Map.of(), Collections.emptyMap(),
            Collections.singletonMap("s", 't')});
        value("sets", new Object[]{new HashSet<>(List.of("h")), new LinkedHashSet<>(List.of(2, 1)), new TreeSet<>(List.of("c", "b")), Set.of(5), Collections.singleton(6),
            Collections.emptySet()});
        value("scalars", new Object[]{(byte) -1, (short) -2, 'c', 4, 5L, 6.5f, 7.5, true, false, new Date(86400000), null});
        value("strings", new Object[]{"", "a\u0000b", "\u00e9\u6f22", "\ud83d\ude00", "\ud83d", "\ude00\ud83d", "x".repeat(65535), "\u6f22".repeat(21846)});
        value("times", new Object[]{java.time.Instant.ofEpochSecond(86400, 5), java.time.Duration.ofMillis(-1), java.time.LocalDate.of(2026, 1, 2)});
        value("hashes", new Object[]{hashes("text", "", "\ud83d\ude00", 42, -1, 9000000000L, -5L, true, false, 2.5, Double.NaN, -0.0, 1.5f, (short) 3, (byte) 4, 'z', new Date(123456789012L),
            new ArrayList<>(List.of("a", 2)), linked, new HashSet<>(List.of("q", 9L)), List.of(List.of(1), Map.of("k", 2)), java.time.Duration.ofMillis(-1), java.time.Instant.ofEpochSecond(7, 8),
            Collections.singletonMap(1, null))});
        write("stream", o -> {
            o.writeInt(1); o.writeObject("shared"); o.writeUnshared(new Base()); o.writeObject("shared"); o.reset(); o.writeObject("shared"); o.writeObject(null); o.write(new byte[300]);
        });
        write("exception", o -> {
            try { o.writeObject(new Broken()); } catch (NotSerializableException e) { }
            o.writeObject("after");
        });
        value("example", new ArrayList<>(Arrays.asList("cat", 7, "cat")));
        deep();
    }

    static Object hashes(Object... vs) {
        List<Object> out = new ArrayList<>();
        for (Object v : vs) { out.add(v); out.add(v.hashCode()); }
        return out;
    }

    static void deep() throws Exception {
        Object v = "bottom";
        for (int i = 0; i < 100; i++) v = new Object[]{v};
        value("deep", v);
    }
}
