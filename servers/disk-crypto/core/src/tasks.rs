//! Several requests in flight on one thread: a gate between requests and an executor for them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};

/// Lets any number pass together, or one alone. Whoever wants to be alone goes before those who come later.
#[derive(Default)]
pub struct Gate {
    together: Cell<usize>,
    alone: Cell<bool>,
    waiting_to_be_alone: Cell<usize>,
    wakers: RefCell<Vec<Waker>>,
}

/// Held while one is inside together with others.
pub struct Together<'a>(&'a Gate);
/// Held while one is inside alone.
pub struct Alone<'a>(&'a Gate);

impl Gate {
    /// Waits until nobody is, or wants to be, inside alone.
    pub async fn enter_together(&self) -> Together<'_> {
        self.wait_until(|| !self.alone.get() && self.waiting_to_be_alone.get() == 0)
            .await;
        self.together.set(self.together.get() + 1);
        Together(self)
    }

    /// Waits until nobody else is inside.
    pub async fn enter_alone(&self) -> Alone<'_> {
        self.waiting_to_be_alone
            .set(self.waiting_to_be_alone.get() + 1);
        self.wait_until(|| !self.alone.get() && self.together.get() == 0)
            .await;
        self.waiting_to_be_alone
            .set(self.waiting_to_be_alone.get() - 1);
        self.alone.set(true);
        Alone(self)
    }

    fn wait_until(&self, condition: impl Fn() -> bool) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            if condition() {
                return Poll::Ready(());
            }
            self.wakers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
    }

    fn wake_all(&self) {
        self.wakers.borrow_mut().drain(..).for_each(Waker::wake);
    }
}

impl Drop for Together<'_> {
    fn drop(&mut self) {
        self.0.together.set(self.0.together.get() - 1);
        self.0.wake_all();
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.alone.set(false);
        self.0.wake_all();
    }
}

/// Whether a task has been woken since it last ran.
struct Flag {
    woken: AtomicBool,
    /// How many tasks have.
    all_woken: Arc<AtomicUsize>,
}

impl Flag {
    fn set(&self) {
        if !self.woken.swap(true, Ordering::Relaxed) {
            self.all_woken.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Clears it; answers whether it was set.
    fn take(&self) -> bool {
        let was_set = self.woken.swap(false, Ordering::Relaxed);
        if was_set {
            self.all_woken.fetch_sub(1, Ordering::Relaxed);
        }
        was_set
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.set();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set();
    }
}

/// Room for one task after another. Their memory and waker stay, so that a task costs no allocation.
struct Place<F> {
    flag: Arc<Flag>,
    waker: Waker,
    future: Pin<Box<Option<F>>>,
}

/// Runs tasks of one kind whenever they have been woken.
pub struct Tasks<F> {
    places: Vec<Place<F>>,
    all_woken: Arc<AtomicUsize>,
}

impl<F: Future<Output = ()>> Tasks<F> {
    /// No tasks.
    pub fn new() -> Self {
        Self {
            places: Vec::new(),
            all_woken: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// Adds a task; it runs at the next [`run`](Self::run).
    pub fn spawn(&mut self, future: F) {
        let mut places = self.places.iter_mut();
        if let Some(place) = places.find(|place| place.future.is_none()) {
            place.future.set(Some(future));
            place.flag.set();
            return;
        }
        let flag = Arc::new(Flag {
            woken: AtomicBool::new(false),
            all_woken: self.all_woken.clone(),
        });
        flag.set();
        self.places.push(Place {
            waker: Waker::from(flag.clone()),
            flag,
            future: Box::pin(Some(future)),
        });
    }

    /// Runs tasks until each is finished or waits for something outside.
    pub fn run(&mut self) {
        while self.is_any_woken() {
            self.run_once();
        }
    }

    /// Tasks that are not finished.
    pub fn len(&self) -> usize {
        self.places
            .iter()
            .filter(|place| place.future.is_some())
            .count()
    }

    /// Whether all tasks are finished.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn is_any_woken(&self) -> bool {
        self.all_woken.load(Ordering::Relaxed) > 0
    }

    fn run_once(&mut self) {
        for place in &mut self.places {
            // Few are at work at a time, and they take the first places.
            if self.all_woken.load(Ordering::Relaxed) == 0 {
                return;
            }
            if !place.flag.take() {
                continue;
            }
            // A late waker finds its task finished and the place empty.
            if let Some(future) = place.future.as_mut().as_pin_mut() {
                let mut context = Context::from_waker(&place.waker);
                if future.poll(&mut context).is_ready() {
                    place.future.set(None);
                }
            }
        }
    }
}

impl<F: Future<Output = ()>> Default for Tasks<F> {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs one future to its end by polling it: for devices that answer at once.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ready after `turns` more turns of the executor.
    fn turns(mut turns: usize) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            if turns == 0 {
                return Poll::Ready(());
            }
            turns -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }

    #[test]
    fn nobody_shares_the_gate_with_the_one_alone() {
        let gate = Gate::default();
        let inside = Cell::new(0usize);
        let passed = Cell::new(0);
        let mut tasks = Tasks::default();
        for number in 0..30 {
            let (gate, inside, passed) = (&gate, &inside, &passed);
            tasks.spawn(async move {
                turns(number % 7).await;
                if number % 5 == 0 {
                    let _alone = gate.enter_alone().await;
                    assert_eq!(inside.get(), 0);
                    inside.set(1000);
                    turns(3).await;
                    assert_eq!(inside.get(), 1000);
                    inside.set(0);
                } else {
                    let _together = gate.enter_together().await;
                    inside.set(inside.get() + 1);
                    turns(2).await;
                    assert!(inside.get() < 1000);
                    inside.set(inside.get() - 1);
                }
                passed.set(passed.get() + 1);
            });
        }
        tasks.run();
        assert!(tasks.is_empty());
        assert_eq!(passed.get(), 30);
    }

    #[test]
    fn sleeping_tasks_are_left_alone() {
        let polls = Cell::new(0);
        let waker = RefCell::new(None::<Waker>);
        let mut tasks = Tasks::default();
        tasks.spawn(poll_fn(|context| {
            polls.set(polls.get() + 1);
            *waker.borrow_mut() = Some(context.waker().clone());
            if polls.get() == 2 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        tasks.run();
        tasks.run();
        assert_eq!((polls.get(), tasks.len()), (1, 1));
        waker.take().expect("the task left its waker").wake();
        tasks.run();
        assert_eq!((polls.get(), tasks.len()), (2, 0));
    }
}
