// SPDX-License-Identifier: Apache-2.0

import java.io.*;
import java.net.*;
import java.util.*;

/** What is said to the group of the settings: the first datagram of each kind, by what it says. */
final class Datagrams {
    private static final long STRANGER = 0x5eed; // who asks here
    private static final Map<String, byte[]> HEARD = new TreeMap<>();

    private Datagrams() {
    }

    static void listen(String root) throws Exception {
        MulticastSocket s = new MulticastSocket(Settings.GROUP_PORT);
        s.joinGroup(InetAddress.getByName(Settings.GROUP));
        Thread t = new Thread(() -> {
            byte[] b = new byte[65536];
            while (true) {
                try {
                    DatagramPacket p = new DatagramPacket(b, b.length);
                    s.receive(p);
                    byte[] bytes = Arrays.copyOf(p.getData(), p.getLength());
                    Object m = new ObjectInputStream(new ByteArrayInputStream(bytes)).readObject();
                    if ((Long) Driver.call(m, "getRequesterId") == STRANGER) {
                        continue;
                    }
                    synchronized (HEARD) {
                        HEARD.putIfAbsent(says(m), bytes);
                        HEARD.notifyAll();
                    }
                } catch (Exception e) {
                    e.printStackTrace();
                }
            }
        });
        t.setDaemon(true);
        t.start();
    }

    private static String says(Object m) throws Exception {
        String type = Driver.call(m, "getMessageType").toString();
        String[] old = {"PASSIVE", "REQUEST"};
        StringBuilder s = new StringBuilder(type.length() == 1 ? old[Integer.parseInt(type)] : type);
        Collection<?> names = (Collection<?>) Driver.call(m, "getCacheNames");
        for (Object n : names == null ? new TreeSet<>() : new TreeSet<>(names)) {
            s.append(' ').append(n);
        }
        return s.toString();
    }

    /** Asks who is there, with names: all generations answer that at once. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    static void ask(String root) throws Exception {
        boolean old = root.equals("org.apache.jcs");
        Class<?> c = Class.forName(root + (old ? ".auxiliary.lateral.socket.tcp.discovery" : ".utils.discovery") + ".UDPDiscoveryMessage");
        Object m = c.getConstructor().newInstance();
        if (old) {
            c.getMethod("setMessageType", int.class).invoke(m, 1);
        } else {
            Class type = Class.forName(c.getName() + "$BroadcastType");
            c.getMethod("setMessageType", type).invoke(m, Enum.valueOf(type, "REQUEST"));
        }
        c.getMethod("setHost", String.class).invoke(m, Settings.GROUP);
        c.getMethod("setPort", int.class).invoke(m, Settings.GROUP_PORT);
        c.getMethod("setRequesterId", long.class).invoke(m, STRANGER);
        c.getMethod("setCacheNames", ArrayList.class).invoke(m, new ArrayList<>(Collections.singletonList("alpha")));
        ByteArrayOutputStream b = new ByteArrayOutputStream();
        new ObjectOutputStream(b).writeObject(m);
        try (DatagramSocket s = new DatagramSocket()) {
            s.send(new DatagramPacket(b.toByteArray(), b.size(), InetAddress.getByName(Settings.GROUP), Settings.GROUP_PORT));
        }
    }

    static void until(String what) throws Exception {
        long end = System.currentTimeMillis() + 60_000;
        synchronized (HEARD) {
            while (!HEARD.containsKey(what)) {
                if (System.currentTimeMillis() > end) {
                    throw new IOException("not heard within a minute: " + what + "; heard: " + HEARD.keySet());
                }
                HEARD.wait(1000);
            }
        }
    }

    static byte[] get(String what) {
        synchronized (HEARD) {
            return HEARD.get(what);
        }
    }
}
