// SPDX-License-Identifier: Apache-2.0

import java.io.*;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/**
 * One JVM with an unmodified JCS of any generation: carries out the lines of its standard input on the
 * caches of the cache.ccf in its class path, one answer each, until that ends. The generation's classes
 * are found below the package named by the one argument. Words are separated by blanks; values are
 * literals: s:text (percent-encoded), i: l: d: b: numbers and booleans, t: milliseconds of a Date,
 * x: hexadecimal bytes, n: N times "x", list:, set: and map: of strings, nulls: a list in which an empty
 * word is null, null: itself, person: a class of ours.
 */
public final class Driver {
    private final String root;
    private final PrintStream out;

    Driver(String root, PrintStream out) {
        this.root = root;
        this.out = out;
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        System.setOut(System.err); // what libraries print is no answer
        Logger.getLogger("").setLevel(Level.WARNING);
        Driver d = new Driver(args[0], out);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        out.println("ready");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = d.answer(line.split(" "));
            } catch (InvocationTargetException e) {
                e.getCause().printStackTrace();
                answer = "error " + e.getCause();
            } catch (Exception e) {
                e.printStackTrace();
                answer = "error " + e;
            }
            out.println(answer.replace('\n', ' '));
        }
        Runtime.getRuntime().halt(0);
    }

    private String answer(String[] q) throws Exception {
        switch (q[0]) {
        case "open":
            access(q[1]);
            return "ok";
        case "put":
            call(access(q[1]), "put", value(q[2]), value(q[3]));
            return "ok";
        case "lives":
            return lives(q);
        case "get": {
            long began = System.nanoTime();
            Object v = call(access(q[1]), "get", value(q[2]));
            return literal(v) + " " + (System.nanoTime() - began);
        }
        case "remove":
            call(access(q[1]), "remove", value(q[2]));
            return "ok";
        case "clear":
            call(access(q[1]), "clear");
            return "ok";
        case "matching": {
            Map<?, ?> m = (Map<?, ?>) call(access(q[1]), "getMatching", q[2]);
            return m.keySet().stream().map(Driver::literal).sorted().collect(Collectors.joining(","));
        }
        case "gput":
            call(groups(q[1]), "putInGroup", value(q[3]), q[2], value(q[4]));
            return "ok";
        case "gget":
            return literal(call(groups(q[1]), "getFromGroup", value(q[3]), q[2]));
        case "gremove":
            call(groups(q[1]), old() ? "remove" : "removeFromGroup", value(q[3]), q[2]);
            return "ok";
        case "ginvalidate":
            call(groups(q[1]), "invalidateGroup", q[2]);
            return "ok";
        case "size":
            return Integer.toString(size(q[1]));
        case "keyset": {
            Object aux = call(manager(), "getCache", q[1]);
            Set<?> keys = (Set<?>) call(aux, "getKeySet", false);
            return keys.stream().map(Driver::literal).sorted().collect(Collectors.joining(","));
        }
        case "listens":
            return listens();
        case "fill":
            return fill(q[1], q[2], Integer.parseInt(q[3]), Integer.parseInt(q[4]));
        case "check":
            return check(q[1], q[2], Integer.parseInt(q[3]), Integer.parseInt(q[4]));
        case "hash":
            return Integer.toString(value(q[1]).hashCode());
        case "shutdown":
            call(manager(), "shutDown");
            return "ok";
        default:
            throw new IllegalArgumentException("unknown question " + q[0]);
        }
    }

    boolean old() {
        return root.equals("org.apache.jcs");
    }

    Object access(String region) throws Exception {
        return Class.forName(root + ".JCS").getMethod("getInstance", String.class).invoke(null, region);
    }

    Object groups(String region) throws Exception {
        if (old()) {
            return access(region);
        }
        return Class.forName(root + ".JCS").getMethod("getGroupCacheInstance", String.class).invoke(null, region);
    }

    Object manager() throws Exception {
        return Class.forName(root + ".engine.control.CompositeCacheManager").getMethod("getInstance").invoke(null);
    }

    private int size(String region) throws Exception {
        return (Integer) call(call(call(manager(), "getCache", region), "getMemoryCache"), "getSize");
    }

    private String lives(String[] q) throws Exception {
        Object a = access(q[1]);
        Object attr = call(a, "getDefaultElementAttributes");
        call(attr, "setIsEternal", false);
        call(attr, old() ? "setMaxLifeSeconds" : "setMaxLife", Long.parseLong(q[4]));
        call(attr, "setIdleTime", Long.parseLong(q[5]));
        call(a, "put", value(q[2]), value(q[3]), attr);
        return "ok";
    }

    // Whether the thread that takes connections of JCS 1.3 does: "yes" while it
    // waits for one, "no" when it has ended or never was, "busy" else.
    static String listens() {
        for (StackTraceElement[] stack : Thread.getAllStackTraces().values()) {
            boolean listener = false, waits = false;
            for (StackTraceElement frame : stack) {
                listener |= frame.getClassName().endsWith("LateralTCPListener$ListenerThread");
                waits |= frame.getClassName().equals("java.net.ServerSocket") && frame.getMethodName().equals("accept");
            }
            if (listener) {
                return waits ? "yes" : "busy";
            }
        }
        return "no";
    }

    private String fill(String region, String prefix, int n, int size) throws Exception {
        Object a = access(region);
        Method put = method(a, "put", new Object[]{"", ""});
        String pad = "x".repeat(size);
        long began = System.nanoTime();
        for (int i = 0; i < n; i++) {
            put.invoke(a, prefix + i, pad + i);
        }
        return Long.toString(System.nanoTime() - began);
    }

    private String check(String region, String prefix, int n, int size) throws Exception {
        Object a = access(region);
        Method get = method(a, "get", new Object[]{""});
        String pad = "x".repeat(size);
        int good = 0;
        for (int i = 0; i < n; i++) {
            if ((pad + i).equals(get.invoke(a, prefix + i))) {
                good++;
            }
        }
        return Integer.toString(good);
    }

    /** Calls the public method of that name that takes these arguments. */
    static Object call(Object o, String name, Object... args) throws Exception {
        return method(o, name, args).invoke(o, args);
    }

    private static Method method(Object o, String name, Object[] args) throws Exception {
        for (Method m : o.getClass().getMethods()) {
            if (m.getName().equals(name) && m.getParameterCount() == args.length && fits(m.getParameterTypes(), args)) {
                m.setAccessible(true);
                return m;
            }
        }
        throw new NoSuchMethodException(o.getClass() + "." + name);
    }

    private static boolean fits(Class<?>[] types, Object[] args) {
        for (int i = 0; i < args.length; i++) {
            Class<?> t = types[i] == long.class ? Long.class : types[i] == boolean.class ? Boolean.class : types[i];
            if (args[i] != null && !t.isInstance(args[i])) {
                return false;
            }
        }
        return true;
    }

    static Object value(String literal) throws Exception {
        int colon = literal.indexOf(':');
        String text = URLDecoder.decode(literal.substring(colon + 1), "UTF-8");
        switch (literal.substring(0, colon)) {
        case "s": return text;
        case "i": return Integer.valueOf(text);
        case "l": return Long.valueOf(text);
        case "d": return Double.valueOf(text);
        case "b": return Boolean.valueOf(text);
        case "t": return new Date(Long.parseLong(text));
        case "n": return "x".repeat(Integer.parseInt(text));
        case "u": return new String(new char[]{'a', (char) 0xd800, 0, 'b'}); // half a character, and NUL
        case "x": {
            byte[] b = new byte[text.length() / 2];
            for (int i = 0; i < b.length; i++) {
                b[i] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
            }
            return b;
        }
        case "null": return null;
        case "nulls": return new ArrayList<>(Arrays.stream(text.split(",", -1)).map(w -> w.isEmpty() ? null : w).collect(Collectors.toList()));
        case "list": return new ArrayList<>(Arrays.asList(text.split(",")));
        case "set": return new HashSet<>(Arrays.asList(text.split(",")));
        case "map": {
            Map<String, String> m = new HashMap<>();
            for (String e : text.split(",")) {
                m.put(e.substring(0, e.indexOf('=')), e.substring(e.indexOf('=') + 1));
            }
            return m;
        }
        case "person": return new Person(text);
        default: throw new IllegalArgumentException("literal " + literal);
        }
    }

    private static String literal(Object v) {
        if (v == null) {
            return "null";
        }
        if (v instanceof byte[]) {
            StringBuilder s = new StringBuilder("x:");
            for (byte b : (byte[]) v) {
                s.append(String.format("%02x", b));
            }
            return s.toString();
        }
        if (v instanceof Date) {
            return "t:" + ((Date) v).getTime();
        }
        String kind = v instanceof String ? "s" : v instanceof Integer ? "i" : v instanceof Long ? "l" : v instanceof Double ? "d"
            : v instanceof Boolean ? "b" : v instanceof List ? ((List<?>) v).contains(null) ? "nulls" : "list" : v instanceof Set ? "set" : v instanceof Map ? "map" : v instanceof Person ? "person" : "other";
        String text = kind.equals("nulls") ? ((List<?>) v).stream().map(e -> e == null ? "" : e.toString()).collect(Collectors.joining(","))
            : v instanceof Collection ? ((Collection<?>) v).stream().map(String::valueOf).sorted().collect(Collectors.joining(","))
            : v instanceof Map ? ((Map<?, ?>) v).entrySet().stream().map(String::valueOf).sorted().collect(Collectors.joining(",")) : v.toString();
        if (text.length() > 2000) {
            return "n:" + text.length();
        }
        try {
            return kind + ":" + URLEncoder.encode(text, "UTF-8").replace("+", "%20").replace("%2C", ",");
        } catch (UnsupportedEncodingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What only Java knows. */
    public static final class Person implements Serializable {
        private static final long serialVersionUID = 1;
        private final String name;
        private final int[] numbers = {1, -2, 3};
        private final Map<String, Object> more = new LinkedHashMap<>();

        Person(String name) {
            this.name = name;
            more.put("born", new Date(86400000));
            more.put("again", this);
        }

        @Override
        public String toString() {
            return name + numbers.length + (more.get("again") == this) + more.get("born").equals(new Date(86400000));
        }
    }
}
